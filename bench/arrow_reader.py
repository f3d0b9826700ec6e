"""From the bucket into Arrow, beside a librdkafka consumer on the same retained data.

Both read every record of a topic, pages in memory. The consumer's time ends with Python message
objects, the reader's with Arrow arrays: in each case what a Python program is given to work on.
"""

from __future__ import annotations

from tests.support.peers import AnabranchNode, Node

from bench.produce import PARTITIONS, SIZES
from bench.report import Report
from bench.stored import Stored
from bench.systems import run_job

NAME = "arrow"


def sample(node: Node, stored: Stored, report: Report) -> None:
    for label, size in SIZES.items():
        topic = f"stored-{size}"
        records = stored.counts[topic]
        done = run_job(
            "consume",
            bootstrap=node.bootstrap,
            topic=topic,
            records=records,
            partitions=PARTITIONS,
        )
        row = f"{stored.system} + librdkafka"
        report.add(f"arrow {label}", "records/s", row, records / done["seconds"])
        if isinstance(node, AnabranchNode):
            done = run_job("arrow", data=str(node.store_data), topic=topic, records=records)
            report.add(f"arrow {label}", "records/s", "anabranch", records / done["seconds"])
