"""Record batches: headers, checksums, compression, building and decoding. No I/O.

``arrow`` is the only module here that imports pyarrow; a broker never imports it.
"""

from __future__ import annotations


def kernel_is_compiled() -> bool:
    """Whether the decode kernel runs as machine code (else it is a thousand times slower)."""
    from anabranch.records._decode import COMPILED

    return COMPILED
