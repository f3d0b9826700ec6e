"""Instants and durations as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from anabranch.errors import UserFault

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_RELATIVE = re.compile(r"^-?\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)(?:\s+ago)?$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)(?![a-z])")
_ISO_DURATION = re.compile(
    r"^P(?=\d|T\d)(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_BYTES = re.compile(r"^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|kib|mib|gib|k|m|g)?(?:/s)?$", re.IGNORECASE)
_BYTE_UNITS = {
    "": 1, "b": 1,
    "k": 1024, "kib": 1024, "kb": 1000,
    "m": 1024**2, "mib": 1024**2, "mb": 1000**2,
    "g": 1024**3, "gib": 1024**3, "gb": 1000**3,
}  # fmt: skip


def parse_time(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Milliseconds of ``now``, ``15m ago``, ``-2h``, ISO 8601, or milliseconds since the epoch.

    ISO times without a zone are in ``zone`` (None: the machine's). Raises UserFault.
    """
    stripped = text.strip()
    if stripped.lower() == "now":
        return now_ms
    relative = _RELATIVE.match(stripped)
    if relative:
        return now_ms - round(float(relative[1]) * _UNITS_MS[relative[2]])
    if stripped.isdigit() and len(stripped) >= 12:
        return int(stripped)
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise UserFault(
            f"“{text}” is not a time. Write 2026-03-01T14:05:00Z, 2026-03-01 14:05 (local), "
            "15m ago, now, or milliseconds since the epoch."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
    return round(moment.timestamp() * 1000)


def parse_duration(text: str, what: str = "") -> int:
    """Milliseconds of ``90s``, ``15m``, ``6h``, ``1.5d``, ``2w``; several add up: ``1d 12h``; or of ISO 8601's ``P1DT12H``,
    which Kafka's tools take. Raises UserFault."""
    iso = _ISO_DURATION.match(text.strip())
    if iso:
        units = zip(iso.groups(), ("d", "h", "m", "s"), strict=True)
        return sum(round(float(number) * _UNITS_MS[unit]) for number, unit in units if number)
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise UserFault(
            f"{what + ': ' if what else ''}“{text}” is not a duration. Write 90s, 15m, 6h, 1.5d or 1d 12h."
        )
    return sum(round(float(number) * _UNITS_MS[unit]) for number, unit in parts)


def parse_bytes(text: str) -> int:
    """Bytes of ``500k``, ``4MiB``, ``4MiB/s``, ``1.5g``. Raises UserFault."""
    match = _BYTES.match(text.strip())
    size = round(float(match[1]) * _BYTE_UNITS[(match[2] or "").lower()]) if match else 0
    if size <= 0:
        raise UserFault(f"“{text}” is not a size. Write 500k, 4MiB or 4MiB/s.")
    return size


def time_text(ms: int | None) -> str:
    """UTC, to the second: ``2026-03-01 14:05:00Z``."""
    if ms is None or ms < 0:
        return "-"
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def duration_text(seconds: float | None) -> str:
    """``0.8 s``, ``42 s``, ``3 min 20 s``, ``5 h 12 min``, ``3 d 4 h``."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def bytes_text(size: float | None) -> str:
    """Binary units, three digits: ``512 B``, ``1.21 MiB``."""
    if size is None:
        return "-"
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} TiB"
