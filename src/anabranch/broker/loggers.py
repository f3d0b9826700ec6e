"""Log levels that are changed while the broker runs: Kafka's BROKER_LOGGER resource (KIP-412).

A broker's loggers are this process's, by their Python names; ``root`` stands above all. What is changed lasts
until the process ends, as in Kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import ConfigDef, ConfigType, one_of

ROOT: Final = "root"
TRACE: Final = 5
LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "FATAL": logging.CRITICAL,
        "ERROR": logging.ERROR,
        "WARN": logging.WARNING,
        "INFO": logging.INFO,
        "DEBUG": logging.DEBUG,
        "TRACE": TRACE,
    }
)
"""Kafka's names of the levels, and Python's numbers."""

_OWN = "anabranch"


def names() -> list[str]:
    """The loggers that there are, ``root`` first."""
    found = logging.root.manager.loggerDict
    return [ROOT, *sorted(name for name in found if name.split(".")[0] == _OWN)]


def definition(name: str) -> ConfigDef:
    """The config that a logger's level is."""
    return ConfigDef(
        name, ConfigType.STRING, "INFO", "The least severe level that is logged.", one_of(*LEVELS)
    )


def level(name: str) -> str:
    """The level in force, by Kafka's name."""
    number = _logger(name).getEffectiveLevel()
    return min(LEVELS, key=lambda one: (abs(LEVELS[one] - number), LEVELS[one]))


def check(changes: Iterable[tuple[str, str | None]]) -> None:
    """``changes`` are loggers and their new levels, None to fall back to the logger above.

    Raises ClientFault(INVALID_CONFIG | INVALID_REQUEST).
    """
    known = set(names())
    for name, value in changes:
        if name not in known:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist.")
        if value is not None:
            definition(name).parse(value)
        elif name == ROOT:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST,
                "Removing the log level of the root logger is not allowed",
            )


def apply(changes: Iterable[tuple[str, str | None]]) -> None:
    """Put checked ``changes`` into force."""
    for name, value in changes:
        _logger(name).setLevel(logging.NOTSET if value is None else LEVELS[value.strip()])


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)
