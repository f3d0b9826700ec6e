"""Helpers that several test rooms and the benchmarks share."""
