"""What the stream of flights must be able to do, as `anabranch drill` reads it (docs/drills.md)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

TEMPLATE = """# What this stream must be able to do: docs/drills.md
[stream.flights]
inputs = ["flights"]
group = "flights-view"
command = {command}
environment = {{ PYTHONPATH = {root} }}
processor = "flights-view"
version = "v3"
sink = {sink}

[stream.flights.verify]
tables = {{ daily = "carrier,day" }}
tolerance = 1e-9

[stream.flights.objectives]
detect = "1h"
diagnose = "1h"
fix = "4h"
replay = "2h"
rpo = "0s"

[stream.flights.drill]
records = 4000

[evidence]
folder = "drills"
"""


def declaration(view: Path) -> str:
    """``recovery.toml`` of the processor that keeps ``view``."""
    command = [sys.executable, "-m", "examples.flights.processor", "--version", "3"]
    return TEMPLATE.format(
        command=json.dumps(command),
        root=json.dumps(str(Path(__file__).resolve().parents[2])),
        sink=json.dumps(f"sqlite:{view.absolute()}"),
    )
