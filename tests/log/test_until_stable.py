"""What is read from the store may reach behind the stable offset that was judged before (I6)."""

from __future__ import annotations

from anabranch.errors import ErrorCode
from anabranch.log.fetched import FetchPart, until_stable
from anabranch.records.builder import build_batch
from anabranch.records.record import Record


def test_I6_an_answer_ends_where_it_says_that_all_is_stable() -> None:
    """Found by the simulation: between judging and reading, a transaction was aborted and merged with what lay
    before it. Its records went out, and the answer named no aborted transaction."""
    batches = [
        memoryview(build_batch([Record(0, 1, b"k", b"v", ())], base_offset=offset))
        for offset in (64, 65, 66)
    ]
    data = memoryview(bytearray().join(batches))
    part = FetchPart(ErrorCode.NONE, 65, 0, [data], len(data), last_stable=65)
    answer = until_stable(part)
    assert b"".join(answer.buffers) == bytes(batches[0]) and answer.bytes == len(batches[0])
    assert until_stable(part._replace(last_stable=67)).bytes == len(data)
    nothing = FetchPart(ErrorCode.NONE, 65, 0, [], 0, last_stable=65)
    assert until_stable(nothing) == nothing
