"""Recovery points: taken by hand, for a deployment, on a schedule, from other engines' checkpoints."""
