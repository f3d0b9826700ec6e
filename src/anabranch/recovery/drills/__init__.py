"""Recovery rehearsed: streams declared in ``recovery.toml``, scenarios on a scratch cluster, evidence."""
