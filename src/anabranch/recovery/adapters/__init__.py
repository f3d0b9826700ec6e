"""Replay-safe sinks in other people's stream processors: thin, and importing nothing that is not used."""
