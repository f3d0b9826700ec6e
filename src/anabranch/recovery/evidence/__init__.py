"""Reports that answer the four questions, chained by hash."""
