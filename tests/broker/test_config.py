from __future__ import annotations

from pathlib import Path

import pytest

from anabranch.broker.config import load_settings
from anabranch.errors import UserFault

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
    assert (settings.node_id, settings.listener.port) == (1, 9092)


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
