from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.times import (
    bytes_text,
    duration_text,
    parse_bytes,
    parse_time,
    time_text,
)

NOW = 1_772_373_900_000  # 2026-03-01T14:05:00Z


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("now", NOW),
        ("15m ago", NOW - 900_000),
        ("-2h", NOW - 7_200_000),
        ("1.5s", NOW - 1500),
        ("2026-03-01T14:05:00Z", NOW),
        ("2026-03-01 14:05", NOW),
        ("2026-03-01T15:05:00+01:00", NOW),
        (str(NOW), NOW),
    ],
)
def test_instants(text: str, ms: int) -> None:
    assert parse_time(text, NOW, UTC) == ms


def test_a_time_without_a_zone_is_local() -> None:
    assert parse_time("2026-03-01 14:05", NOW, timezone(timedelta(hours=2))) == NOW - 7_200_000


@pytest.mark.parametrize("text", ["", "yesterday", "15x ago", "2026-13-01", "12"])
def test_what_is_not_an_instant_says_what_is(text: str) -> None:
    with pytest.raises(UserFault, match="15m ago"):
        parse_time(text, NOW, UTC)


def test_sizes() -> None:
    assert [parse_bytes(t) for t in ("4MiB/s", "500k", "1.5g", "10", "2MB")] == [
        4 << 20, 500 << 10, 3 << 29, 10, 2_000_000,
    ]  # fmt: skip
    for text in ("", "fast", "-1", "0", "4 furlongs"):
        with pytest.raises(UserFault, match="4MiB/s"):
            parse_bytes(text)


def test_texts() -> None:
    assert time_text(NOW) == "2026-03-01 14:05:00Z" and time_text(None) == time_text(-1) == "-"
    seconds = (0.84, 42, 200, 18_720, 273_600, None)
    assert [duration_text(s) for s in seconds] == [
        "0.8 s", "42 s", "3 min 20 s", "5 h 12 min", "3 d 4 h", "-",
    ]  # fmt: skip
    assert [bytes_text(s) for s in (512, 1_269_760, 1 << 20, (1 << 20) - 9, 5 << 40)] == [
        "512 B", "1.21 MiB", "1 MiB", "1024 KiB", "5 TiB",
    ]  # fmt: skip
