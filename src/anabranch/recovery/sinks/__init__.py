"""Replay-safe sinks: effects and the offsets that caused them become durable together."""
