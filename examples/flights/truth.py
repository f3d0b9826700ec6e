"""The right answer, worked out without any of the project's code: Arrow on the package's table."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def daily(table: pa.Table, before_day: str = "9999") -> pa.Table:
    """Departures, cancellations, mean and maximum delay per carrier and local day."""
    table = table.filter(pc.less(table["local_day"], before_day))
    cancelled = pc.cast(pc.is_null(table["dep_time"]), pa.int64())
    departed = pc.cast(pc.is_valid(table["dep_time"]), pa.int64())
    facts = pa.table(
        {
            "carrier": table["carrier"],
            "day": table["local_day"],
            "departed": departed,
            "cancelled": cancelled,
            "delay": table["dep_delay"],
        }
    )
    grouped = facts.group_by(["carrier", "day"]).aggregate(
        [("departed", "sum"), ("cancelled", "sum"), ("delay", "mean"), ("delay", "max")]
    )
    return pa.table(
        {
            "carrier": grouped["carrier"],
            "day": grouped["day"],
            "departures": grouped["departed_sum"],
            "cancellations": grouped["cancelled_sum"],
            "mean_delay": grouped["delay_mean"],
            "max_delay": grouped["delay_max"],
        }
    ).sort_by([("carrier", "ascending"), ("day", "ascending")])
