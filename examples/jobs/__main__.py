"""`make example-quix`, `make example-flink`: a job of that engine, broken and rebuilt from its checkpoint."""

from __future__ import annotations

import sys
from functools import partial

from examples.jobs.engines import ENGINES
from examples.jobs.story import Story, verify_again
from examples.kit.cluster import Cluster
from examples.kit.console import Console
from examples.kit.entry import Example, Outcome, main
from examples.kit.processes import Children


def tell(name: str, cluster: Cluster, console: Console, children: Children) -> Outcome:
    return Story(ENGINES[name](cluster.data), cluster, console, children).tell()


if __name__ == "__main__":
    engine = sys.argv[1]
    sys.exit(
        main(
            Example(
                name=engine,
                target=f"example-{engine}",
                data=f"anabranch-{engine}",
                tell=partial(tell, engine),
                verify_again=verify_again,
                hints=("topic list", "replay --list", "explain carrier-days --at '1m ago'"),
            )
        )
    )
