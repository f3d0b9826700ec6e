"""The Kafka protocol without I/O: schema, generated messages, frames, hand-written hot paths."""
