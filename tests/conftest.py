"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("anabranch", deadline=None)
settings.load_profile("anabranch")

# A replay stands behind others of its machine, and so would wait for whatever else runs on that of a test.
os.environ.setdefault("ANABRANCH_NICENESS", "0")
