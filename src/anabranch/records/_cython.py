"""What the decode kernel needs of ``cython`` when it runs uncompiled and Cython is not installed."""

from __future__ import annotations

from contextlib import nullcontext

compiled = False
nogil = nullcontext()
