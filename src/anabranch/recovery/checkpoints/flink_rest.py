"""Which checkpoint a Flink job has, asked of its REST interface: ``http://HOST:8081/jobs/JOB[/checkpoints/ID]``."""

from __future__ import annotations

import re
from typing import Any

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints.http import get_json

_JOB = re.compile(
    r"(https?://[^?#]+?/jobs/[0-9a-f]{32})(?:/checkpoints(?:/(?:details/)?(\d{1,18}))?)?/?"
)


def locate(url: str) -> tuple[str, int | None]:
    """Where the checkpoint lies and when it was triggered: the one named, else the job's newest.

    Raises UserFault, StoreFault, Corrupt.
    """
    match = _JOB.fullmatch(url)
    if match is None:
        raise UserFault(
            f"“{url}” does not name a job of Flink: write http://HOST:8081/jobs/JOB, "
            "with /checkpoints/ID for one that is not the newest"
        )
    job, checkpoint = match[1], match[2]
    if checkpoint is not None:
        found, _ = get_json(f"{job}/checkpoints/details/{checkpoint}")
        if _get(found, "status") != "COMPLETED":
            raise UserFault(f"{url}: checkpoint {checkpoint} is {_get(found, 'status')}")
    else:
        answer, _ = get_json(f"{job}/checkpoints")
        latest = _get(answer, "latest") or {}
        done = [one for one in (_get(latest, "completed"), _get(latest, "savepoint")) if one]
        if not done:
            raise UserFault(f"{url}: the job has no completed checkpoint yet")
        found = max(done, key=lambda one: _number(one, "id", url))
    path = _get(found, "external_path")
    if not isinstance(path, str) or not path or path.startswith("<"):
        raise UserFault(
            f"{url}: checkpoint {_get(found, 'id')} lies nowhere: the job keeps its checkpoints in memory"
        )
    if _get(found, "discarded") is True:
        raise UserFault(f"{url}: checkpoint {_get(found, 'id')} was removed by Flink")
    return path, _number(found, "trigger_timestamp", url)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _number(value: Any, name: str, url: str) -> int:
    found = _get(value, name)
    if type(found) is not int:
        raise Corrupt(f"{url}: an answer without “{name}”: not Flink's")
    return found
