"""JSON over HTTP from an engine's own interface, with a limit on its size and on the time it may take."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final

from anabranch.errors import Corrupt, StoreFault, UserFault

TIMEOUT_S: Final = 20.0  # for a connection and between bytes; a Connect worker asks its leader
ANSWER_BYTES_MAX: Final = 32 << 20  # offsets of 100,000 partitions are about 10 MiB


def get_json(url: str) -> tuple[Any, bytes]:
    """The JSON at ``url``, parsed and as it came. Raises UserFault, StoreFault, Corrupt."""
    try:
        request = urllib.request.Request(url, headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            body = answer.read(ANSWER_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        with error:
            # The first line: engines in Java put a stack trace behind it.
            said = error.read(500).decode("utf-8", "replace").strip().partition("\\n")[0][:300]
        if error.code in (400, 404):
            raise UserFault(f"{url}: {error.code} {error.reason}: {said}") from None
        raise StoreFault(f"{url}: {error.code} {error.reason}: {said}") from None
    except (OSError, HTTPException) as error:
        raise StoreFault(f"{url}: {getattr(error, 'reason', error) or error}") from None
    except ValueError as error:
        raise UserFault(f"{url}: {error}") from None
    if len(body) > ANSWER_BYTES_MAX:
        raise UserFault(f"{url}: the answer is longer than {ANSWER_BYTES_MAX:,} bytes")
    return parse_json(body, url), body


def parse_json(body: bytes, where: str) -> Any:
    """JSON. Raises Corrupt with ``where``."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{where}: not JSON: {error}") from None
