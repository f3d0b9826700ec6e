"""Which of Kafka's APIs are served, in which versions, and why the others are not: docs/apis.md.

``python -m anabranch.broker.coverage`` prints the page; a test compares it with the committed one.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping
from importlib import import_module
from inspect import getdoc
from types import MappingProxyType
from typing import Final, NamedTuple

from anabranch.broker import api as api_package
from anabranch.broker.dispatch import load_apis
from anabranch.wire.registry import API


class Refused(NamedTuple):
    """An API that clients or tools can send and that is not served."""

    name: str
    reason: str


REFUSED: Final[Mapping[int, Refused]] = MappingProxyType(
    {
        55: Refused(
            "DescribeQuorum",
            "There is no quorum of controllers: the metastore is the judge, and its database has its own tools. "
            "`anabranch broker` shows the brokers.",
        ),
        80: Refused("AddRaftVoter", "There is no quorum of controllers (see DescribeQuorum)."),
        81: Refused("RemoveRaftVoter", "There is no quorum of controllers (see DescribeQuorum)."),
        88: Refused(
            "StreamsGroupHeartbeat",
            "Streams groups (KIP-1071) are an opt-in of Kafka Streams (`group.protocol=streams`); without it, its "
            "default, Streams uses the classic protocol, which is served.",
        ),
        89: Refused("StreamsGroupDescribe", "See StreamsGroupHeartbeat."),
    }
)
"""What clients and tools can send and is not served, by API key. It is not advertised either, so that clients
answer UNSUPPORTED_VERSION themselves; whoever sends it all the same is disconnected, as by Kafka."""

INTERNAL: Final = (
    "4 to 7, 52 to 54, 56, 58, 59, 62, 63, 67, 70, 73 and 82 to 87 are between Kafka's own brokers and "
    "controllers, and nobody else sends them"
)

_FIRST_SENTENCE = re.compile(r"(.+?[.:])(?:\s|$)")


def page() -> str:
    """The text of docs/apis.md."""
    served = load_apis()
    known = {key: spec.name for key, spec in API.items()} | {
        k: one.name for k, one in REFUSED.items()
    }
    lines = [
        "# Kafka's APIs",
        "",
        "Generated from the code (`make docs`); a test compares. Every stable version of a served API is served unless",
        "the table says otherwise, and ApiVersions advertises exactly these. What clients and tools can send is all",
        f"here; {INTERNAL}.",
        "",
        "| key | API | versions | |",
        "| --- | --- | --- | --- |",
    ]
    notes = _notes()
    for key in sorted(known):
        if key in served:
            api = served[key]
            versions = f"{api.min_version} to {api.max_version}"
            if api.min_version == api.max_version:
                versions = str(api.min_version)
            lines.append(f"| {key} | {api.name} | {versions} | {notes[key]} |")
        else:
            lines.append(f"| {key} | {known[key]} | refused | {REFUSED[key].reason} |")
    return "\n".join(lines) + "\n"


def _notes() -> Mapping[int, str]:
    """By API key: what its module says first of it."""
    found = {}
    for info in pkgutil.iter_modules(api_package.__path__):
        if not info.name.startswith("a"):
            continue
        module = import_module(f"{api_package.__name__}.{info.name}")
        text = " ".join((getdoc(module) or "").split()).replace("``", "`")
        # "Name (key), versions a to b (KIP-n): what it is for. ..."
        head, _, rest = text.partition(":" if ":" in text.split(". ")[0] else ". ")
        kips = ", ".join(dict.fromkeys(re.findall(r"KIP-\d+", head)))
        match = _FIRST_SENTENCE.match(rest.strip())
        says = (match[1] if match else rest.strip()).rstrip(":")
        says = re.sub(r":(?:mod|class|func):`(?:~?[\w.]*\.)?(\w+)`", r"`\1`", says)
        says = says[:1].upper() + says[1:]
        found[module.KEY] = f"{says} ({kips})" if kips else says
    return found


if __name__ == "__main__":
    print(page(), end="")
