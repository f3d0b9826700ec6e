from __future__ import annotations

from pathlib import Path

import pytest

from anabranch.broker.config import BrokerSettings, load_settings
from anabranch.broker.kafka_configs import BROKER_CONFIGS
from anabranch.errors import UserFault
from anabranch.log.config import TOPIC_CONFIGS

FILE = """
node_id = 3
rack = "r1"

[listener]
host = "127.0.0.1"
port = 9999

[topics]
auto_create = false

[limits]
connections_max = 10

[groups]
initial_rebalance_delay_ms = 0

[log]
merge_age_ms = 1000
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "broker.toml"
    path.write_text(text)
    return path


def test_file_and_flags(tmp_path: Path) -> None:
    overrides = {
        "data": tmp_path,
        "node_id": None,
        "listener": {"host": None, "port": 0},
        "topics": {"partitions": 6},
    }
    settings = load_settings(write(tmp_path, FILE), overrides)
    assert (settings.data, settings.node_id, settings.rack) == (tmp_path, 3, "r1")
    assert (settings.listener.host, settings.listener.port) == ("127.0.0.1", 0)
    assert (settings.topics.auto_create, settings.topics.partitions) == (False, 6)
    assert settings.limits.connections_max == 10
    assert settings.groups.initial_rebalance_delay_ms == 0
    assert settings.log.merge_age_ms == 1000


def test_no_file_gives_defaults(tmp_path: Path) -> None:
    settings = load_settings(None, {"data": str(tmp_path)})
    assert (settings.node_id, settings.listener.port) == (None, 9092)


def test_the_data_directory_may_stand_in_the_file(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, 'data = "/d"'), {"data": None}).data == Path("/d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense = 1", "there is no setting nonsense"),
        ("[limits]\nconections_max = 1", "there is no setting limits.conections_max"),
        ("[groups]\nx = 1", "there is no setting groups.x"),
        ("[log]\nx = 1", "there is no setting log.x"),
        ("[topics]\npartitions = 'many'", "topics.partitions: Expected `int`"),
        ("[topics]\npartitions = 0", "topics.partitions is 0"),
        ("[limits]\nidle_ms_max = 0", "limits.idle_ms_max must be at least 1"),
        ("[limits]\nlarge_requests_bytes_max = 1000", "limits.large_requests_bytes_max is 1000"),
        ("[listener]\nport = 70000", "listener.port is 70000"),
        ("node_id = -1", "node_id is -1"),
        ("[log]\ncold_late_percent_max = 100", "log.cold_late_percent_max is 100"),
        ("[lane]\nlate_percent_max = 1", "lane.late_percent_max is 1"),
        ("[log]\ncold_bytes_per_second_min = 0", "log.cold_bytes_per_second_min must be"),
        ("[log]\ncold_bytes_per_second_begin = 0", "log.cold_bytes_per_second_begin must be"),
        ("[listener]\nhost = '0.0.0.0'", "--advertise HOST:PORT"),
        ("node_id = = 2", "is not TOML"),
        ("data = 5", "data: "),
    ],
)
def test_what_is_wrong_is_said_with_its_path(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserFault) as caught:
        load_settings(path, {"data": None if text.startswith("data") else tmp_path})
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="cannot read"):
        load_settings(tmp_path / "absent.toml", {"data": tmp_path})
    with pytest.raises(UserFault, match="--data"):
        load_settings(None, {"data": None})


def test_the_page_on_configuration_knows_every_setting_and_its_default() -> None:
    """docs/configuration.md against the code: names and defaults of settings and configs."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    rows = {
        cells[1].strip().strip("`"): cells[2].strip()
        for line in page.splitlines()
        if line.startswith("| `") and len(cells := line.split("|")) > 3
    }
    settings = BrokerSettings(data=Path("data"))
    for section in (
        settings.listener,
        settings.topics,
        settings.limits,
        settings.groups,
        settings.lane,
        settings.tls,
        settings.sasl,
        settings.oauth,
        settings.tokens,
        settings.peers,
        settings.authorization,
        settings.audit,
    ):
        for name in section.__struct_fields__:
            assert name in rows, name
            value = getattr(section, name)
            expected = "none" if value is None else str(value)
            if isinstance(value, bool):
                expected = expected.lower()
            # The names of sections differ, so the last row of a name is not always this one's.
            assert f"| `{name}` | {expected}" in page, name
    for name in settings.log.__struct_fields__:
        assert f"| `{name}` |" in page, name
    for name, config in BROKER_CONFIGS.items():
        if config.definition.doc.startswith("What "):
            continue
        assert rows[name] == (config.definition.default or "(empty)"), name
    for name, definition in TOPIC_CONFIGS.items():
        if name not in BROKER_CONFIGS:
            assert rows[name] == (definition.default or "(empty)"), name
