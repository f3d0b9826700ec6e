"""The decode kernel (being written)."""

COMPILED: bool = False
