"""The headline figures, measured beside the peers in the same run.

``python -m bench`` runs them all; `docs/benchmarks.md` says what each one means and where it is
unfair. One module per figure; `client` is the process that plays the client, `systems` the brokers.
"""
