"""Readers of other engines' checkpoints: where a processor stood, from what it wrote itself.

One file per engine. Each is pure Python, needs neither the engine nor a JVM, and reads files as what they
are: bytes of somebody else. Every length is checked against what is there, nesting is bounded, nothing is
unpickled that could run code, and whatever is wrong ends in Corrupt or UserFault with file and position.
"""
