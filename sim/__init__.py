"""Deterministic simulation: several brokers, their disks, bucket, metastore and clients on one seeded loop.

``docs/simulation.md`` says what is simulated and what is not; ``python -m sim --seed 7`` repeats a run.
"""
