"""Kafka Connect: what a connector's REST interface says of its offsets (KIP-875), from a URL or a file."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints.conventions import Marker, next_offset
from anabranch.recovery.checkpoints.http import ANSWER_BYTES_MAX, get_json, parse_json
from anabranch.recovery.checkpoints.model import EngineCheckpoint, Kept, Source

GROUP_PREFIX: Final = (
    "connect-"  # of a sink connector's consumer group, unless its config overrides it
)
_URL = re.compile(r"(https?://[^?#]+/connectors/([^/?#]+))(?:/offsets)?/?")


def read(where: str) -> EngineCheckpoint:
    """The answer of ``GET /connectors/NAME/offsets``, from there or from a file of it.

    Raises UserFault, StoreFault, Corrupt.
    """
    if where.startswith(("http://", "https://")):
        match = _URL.fullmatch(where)
        if match is None:
            raise UserFault(
                f"“{where}” does not name a connector: write http://HOST:8083/connectors/NAME"
            )
        location, name = f"{match[1]}/offsets", match[2]
        answer, body = get_json(location)
        taken_ms, moves = None, True
    else:
        path = Path(where).absolute()
        if not path.is_file():
            raise UserFault(f"there is no file {path}")
        if path.stat().st_size > ANSWER_BYTES_MAX:
            raise UserFault(f"{path} is longer than {ANSWER_BYTES_MAX:,} bytes")
        location, name, body = str(path), "", path.read_bytes()
        answer = parse_json(body, location)
        taken_ms, moves = path.stat().st_mtime_ns // 1_000_000, False
    source = _source(name, answer, location)
    sink = source.kind == "sink connector"
    return EngineCheckpoint(
        engine="connect",
        location=location,
        id=name or Path(location).name,
        form=f"offsets of a {source.kind}",
        sources=(source,),
        sha256=hashlib.sha256(body).hexdigest(),
        bytes=len(body),
        taken_ms=taken_ms,
        group=f"{GROUP_PREFIX}{name}" if sink and name else None,
        moves=moves,
    )


def _source(name: str, answer: Any, where: str) -> Source:
    entries = answer.get("offsets") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(one, dict) and isinstance(one.get("partition"), dict) for one in entries
    ):
        raise Corrupt(f"{where}: not what Kafka Connect answers for a connector's offsets")
    positions: list[Kept] = []
    kind, problem = "connector", ""
    for entry in entries:
        partition, offset = entry["partition"], entry.get("offset")
        if offset is None:
            continue
        found = _kept(partition, offset)
        if found is None:
            kind = "source connector"
            problem = f"its positions are not offsets of Kafka: {str(partition)[:80]}"
            positions = []
            break
        kind = "sink connector" if found.keeper == "connect-sink" else "MirrorMaker source"
        positions.append(found)
    if len({(one.topic, one.partition) for one in positions}) != len(positions):
        raise Corrupt(f"{where}: two offsets of one partition")
    if not positions and not problem:
        problem = "it holds no offset of any partition"
    return Source(
        number=0,
        kind=kind,
        name=name,
        id=name,
        positions=tuple(sorted(positions, key=lambda one: (one.topic, one.partition))),
        problem=problem,
    )


def _kept(partition: dict[str, Any], offset: Any) -> Kept | None:
    """A sink's offset, or one of MirrorSourceConnector; None for what is neither."""
    if not isinstance(offset, dict):
        return None
    if partition.keys() == {"kafka_topic", "kafka_partition"}:
        topic, number = partition["kafka_topic"], partition["kafka_partition"]
        keeper, stored, place = "connect-sink", offset.get("kafka_offset"), ""
    elif partition.keys() == {"cluster", "topic", "partition"}:
        topic, number = partition["topic"], partition["partition"]
        keeper, stored = "connect-mirror", offset.get("offset")
        place = f"cluster {partition['cluster']}"
    else:
        return None
    if type(topic) is not str or type(number) is not int or type(stored) is not int or number < 0:
        return None
    try:
        position = next_offset(keeper, stored)
    except ValueError as error:
        raise Corrupt(f"{topic}:{number}: {error}") from None
    assert not isinstance(position, Marker)
    return Kept(topic, number, stored, keeper, position, place=place)
