"""A bulk rebuild on Ray Data: per key, how many records of a plan there are and their sum."""

import json
import sys

import ray

from anabranch.recovery.replays import bulk

options = json.loads(sys.argv[1])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
with bulk.reading(options["data"], plan=options["plan"], engine="ray") as read:
    rows = bulk.ray_dataset(read).map(
        lambda row: {"key": row["key"].decode(), "amount": int(row["value"])}
    )
    found = rows.groupby("key", num_partitions=2).aggregate(
        ray.data.aggregate.Count(alias_name="n"),
        ray.data.aggregate.Sum("amount", alias_name="total"),
    )
    totals = {row["key"]: [row["n"], row["total"]] for row in found.take_all()}
print(json.dumps({"session": read.session, "splits": len(read.splits), "totals": totals}))
