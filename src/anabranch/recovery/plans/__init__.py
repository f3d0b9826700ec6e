"""From an incident to exact offsets: what happened, what is missing, who sees duplicates."""
