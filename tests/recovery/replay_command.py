"""What a replay runs in ``test_replay_sinks.py``: one kind of sink, filled from the branch in the bucket.

python -m tests.recovery.replay_command KIND DATA
"""

from __future__ import annotations

import sys
from pathlib import Path

import anabranch
from anabranch.recovery.adapters.session import Surroundings

from .command import commit
from .kinds import KINDS, Http, Kafka, apply


def main() -> None:
    name, data = sys.argv[1], Path(sys.argv[2])
    about = Surroundings.of()
    assert about.sink is not None and about.sources is not None and about.group is not None
    kind = {**KINDS, "kafka": Kafka, "http": Http}[name](about.sink)
    sink = kind.open(about.line, dict(about.sources))
    topic = about.topic("flights")
    for (_, partition), end in sorted(about.ends.items()):
        batches = anabranch.read(data, topic, end={partition: end}, partitions=[partition])
        offsets = [offset for batch in batches for offset in batch["offset"].to_pylist()]
        apply(kind, sink, offsets, partition, topic)
        commit(data, about.group, topic_number(data, topic), partition, end)


def topic_number(data: Path, name: str) -> int:
    import asyncio

    from anabranch.log.opening import open_log
    from anabranch.log.settings import LogSettings

    async def look() -> int:
        log = await open_log(data, broker_id=None, settings=LogSettings(background=False))
        topic = log.catalogue.topic(name)
        assert topic is not None
        await log.close()
        return topic.no

    return asyncio.run(look())


if __name__ == "__main__":
    main()
