"""Sessions: prepared, run by commands or functions, slowed for the live side, watched."""
