"""Where groups stood, who moved them, and changes of their offsets as plans."""
