"""Who deleted a topic, by the audit log's files beside the data, for plans."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.plans.missing import WhoDeleted

APIS: Final = ("DeleteTopics", "anabranch topic delete")
APART_MS_MAX: Final = 60_000  # a line's time from the deletion's: clocks of two machines


def who_deleted(data: Location) -> WhoDeleted:
    """Looks when it is asked: hardly any plan meets a topic that was recreated. Raises StoreFault then."""

    def asked(topic: str, at_ms: int | None) -> str:
        from anabranch.broker.audit import files
        from anabranch.broker.audit.chain import Line

        if data.data is None:
            return ""
        found: list[tuple[int, str]] = []
        for file in files.list_files(data.data / "audit"):
            for line in files.read_lines(file.path):
                if not isinstance(line, Line) or line.fields.get("outcome", "ok") != "ok":
                    continue
                fields = line.fields
                if fields.get("api") in APIS and fields.get("resource") == f"TOPIC:{topic}":
                    then = datetime.fromisoformat(str(fields["at"])).timestamp() * 1000
                    where = ", ".join(
                        str(fields[name]) for name in ("client_id", "host") if fields.get(name)
                    )
                    who = str(fields.get("principal", "")) + (f" ({where})" if where else "")
                    found.append((round(then), who))
        if at_ms is not None:
            found = [one for one in found if abs(one[0] - at_ms) <= APART_MS_MAX]
            return min(found, key=lambda one: abs(one[0] - at_ms), default=(0, ""))[1]
        return max(found, default=(0, ""))[1]

    return asked
