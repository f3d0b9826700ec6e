"""What a Delta table's log holds of a sink: transaction identifiers, and the offsets beside each commit.

A Delta commit may carry ``txn`` actions (application id, version), which live as long as the table. Here
the application is one partition of one source in one line, and the version is its next offset::

    anabranch/LINE/CLUSTER-ID/TOPIC-ID/PARTITION → next offset     (-1: none)
    anabranch/LINE/writer                        → epoch of the writer

Batch numbers, as Spark's ``foreachBatch`` gives them, begin again with a new checkpoint, and then every
write is skipped as if it were done. Offsets of an identified partition do not begin again.

A commit is created only as the version after the one that was looked at, so that reading the epoch and
committing are one step. Counters and the list of sources rest in the commit's own information.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks.common import SinkOffset, table_name

INFO = "anabranch"  # in a commit's own information: JSON of Info
TURNS_MAX = 20  # attempts at the next version against others who write the same table
HISTORY_PAGE = 50


class Info(NamedTuple):
    """What a commit of ours says about itself. ``before`` is the version that a promotion replaced."""

    line: str
    epoch: int
    offsets: list[SinkOffset]
    version: int = -1
    promoted: str = ""
    before: int = -1
    undone: str = ""


class Place(NamedTuple):
    """Where a sink's tables are. ``location`` is what a person wrote."""

    location: str
    uri: str
    options: dict[str, str]

    def of(self, line: str) -> str:
        """The table of a line: that of a staging line lies beside the live one."""
        return table_name(self.uri, line)


def place(location: str) -> Place:
    """A path, ``file:///…`` or ``s3://bucket/prefix?endpoint=http://…``. Raises UserFault."""
    text = location.removeprefix("delta:")
    parts = urlsplit(text)
    if parts.scheme == "s3":
        options = {"conditional_put": "etag"}  # a commit is created, or it is somebody else's
        for name, value in parse_qsl(parts.query):
            if name != "endpoint":
                raise UserFault(f"“{text}”: {name}= is not understood for a Delta table")
            options["AWS_ENDPOINT_URL"] = value
            options["AWS_ALLOW_HTTP"] = str(value.startswith("http://")).lower()
        return Place(f"delta:{text}", f"s3://{parts.netloc}{parts.path}".rstrip("/"), options)
    if parts.scheme not in ("", "file"):
        raise UserFault(f"“{text}”: a Delta table is at a path, file:///path or s3://bucket/prefix")
    path = str(Path(parts.path if parts.scheme else text).absolute())
    return Place(f"delta:{path}", path, {})


def load(where: Place, line: str) -> DeltaTable | None:
    """The table of a line; None if there is none. Raises StoreFault."""
    try:
        return DeltaTable(where.of(line), storage_options=where.options)
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise said(error, where) from error


def said(error: Exception, where: Place) -> StoreFault:
    """The fault that ``error`` stands for, in a sentence."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return StoreFault(f"the sink {where.location}: {text[0]}")


def next_offset(table: DeltaTable, line: str, row: SinkOffset | tuple[str, str, int]) -> int | None:
    """By the table's transaction identifiers, which outlive every commit's information."""
    version = table.transaction_version(_application(line, *row[:3]))
    return None if version is None or version < 0 else int(version)


def epoch(table: DeltaTable, line: str) -> int:
    """Of the writer that may write the line; 0 if there was none."""
    return int(table.transaction_version(f"anabranch/{line}/writer") or 0)


def fence(where: Place, line: str, offsets: list[SinkOffset]) -> None:
    """A commit of nothing, with which the line's writer is another one. Raises StoreFault."""
    table = load(where, line)
    assert table is not None, "only what is there is fenced"
    empty = table.to_pyarrow_dataset().schema.empty_table()
    replace(where, line, empty, Info(line, 0, offsets), mode="append")


def newest(table: DeltaTable, line: str) -> Info | None:
    """What the last commit of a line said, as far as the log remembers."""
    return next((info for info in infos(table) if info.line == line), None)


def infos(table: DeltaTable) -> Iterable[Info]:
    """Our commits, newest first."""
    limit, seen = HISTORY_PAGE, 0
    while True:
        history = table.history(limit)
        for commit in history[seen:]:
            if INFO in commit:
                yield _info(commit)
        if len(history) < limit:
            return
        seen, limit = len(history), limit * 4


def commit_properties(line: str, info: Info, changed: Iterable[SinkOffset]) -> CommitProperties:
    """What goes with a commit: offsets as transactions, and everything as information."""
    told = {**info._asdict(), "offsets": [list(row) for row in info.offsets]}
    return CommitProperties(
        custom_metadata={INFO: json.dumps(told)},
        max_commit_retries=0,
        app_transactions=[
            Transaction(f"anabranch/{line}/writer", info.epoch),
            *(Transaction(_application(line, *row[:3]), row.next_offset) for row in changed),
        ],
    )


def replace(
    where: Place,
    line: str,
    content: Any,
    info: Info,
    known: Iterable[SinkOffset] = (),
    *,
    mode: str = "overwrite",
) -> None:
    """Write a whole table in one commit, whoever writes it meanwhile. ``known`` offsets that ``info``
    does not have are taken away. Raises StoreFault."""
    write: Any = write_deltalake  # its overloads go by the literal of ``mode``
    kept = {row[:3] for row in info.offsets}
    gone = [row._replace(next_offset=-1) for row in known if row[:3] not in kept]
    for _ in range(TURNS_MAX):
        table = load(where, line)
        after = info._replace(epoch=1 + (epoch(table, line) if table is not None else 0))
        try:
            write(
                table if table is not None else where.of(line),
                content,
                mode=mode,
                storage_options=where.options or None,
                commit_properties=commit_properties(line, after, [*after.offsets, *gone]),
            )
        except CommitFailedError:
            continue
        except (DeltaError, OSError) as error:
            raise said(error, where) from error
        return
    raise StoreFault(f"the sink {where.location}: others write it all the time")


def _info(commit: Mapping[str, Any]) -> Info:
    told = json.loads(commit[INFO])
    told["offsets"] = [SinkOffset(*row) for row in told["offsets"]]
    return Info(**{**told, "version": commit["version"]})


def _application(line: str, cluster_id: str, topic_id: str, partition: int) -> str:
    return f"anabranch/{line}/{cluster_id}/{topic_id}/{partition}"
