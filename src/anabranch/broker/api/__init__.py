"""One file per API, numbered by its key: the listing is the coverage matrix.

Each has ``KEY``, ``MIN`` and ``MAX`` (the versions served and advertised) and ``handle``.
"""
