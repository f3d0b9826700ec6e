"""``anabranch up`` and the command line around it, as a user meets them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from anabranch.broker.dispatch import load_apis
from tests.broker.conversation import Bench
from tests.broker.test_api_configs import describe, incremental
from tests.support.broker import BrokerProcess, WireClient
from tests.support.peers import AnabranchNode

RUN_S = 60


def anabranch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def refused(*arguments: str) -> str:
    """One sentence on stderr, exit status 1, no traceback."""
    done = anabranch(*arguments)
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("anabranch: ")
    return line


def test_up_listens_says_so_and_stops_cleanly(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with BrokerProcess(tmp_path) as broker:
            with socket.create_connection(("127.0.0.1", broker.port), timeout=60):
                pass
            assert broker.stop(number) == 0


def test_what_is_changed_for_all_brokers_reaches_another_process(tmp_path: Path) -> None:
    async def scenario(first: BrokerProcess, second: BrokerProcess) -> None:
        async with AsyncExitStack() as stack:
            one, two = [
                Bench(
                    SimpleNamespace(apis=load_apis()),  # type: ignore[arg-type]
                    await stack.enter_async_context(
                        WireClient.connected(SimpleNamespace(host="127.0.0.1", port=each.port))  # type: ignore[arg-type]
                    ),
                )
                for each in (first, second)
            ]
            changed = await incremental(one, 4, "", ("num.partitions", 0, "7"))
            assert changed.error_code == 0, changed
            async with asyncio.timeout(RUN_S):
                while (await describe(two, 4, "2", ["num.partitions"])).configs[  # noqa: ASYNC110
                    0
                ].value != "7":
                    await asyncio.sleep(0.02)
            assert (await describe(one, 4, "1", ["num.partitions"])).configs[0].value == "7"

    with BrokerProcess(tmp_path) as first, BrokerProcess(tmp_path) as second:
        asyncio.run(scenario(first, second))


def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    """I1, I4, by the real process; the fault suite does this at length."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    with BrokerProcess(tmp_path) as broker:
        failed: list[object] = []
        producer = Producer({"bootstrap.servers": broker.address})
        for number in range(100):
            producer.produce("t", b"%d" % number, on_delivery=lambda e, _: e and failed.append(e))
        assert producer.flush(RUN_S) == 0 and not failed
        broker.kill()
        broker.start()
        consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "g"})
        consumer.assign([TopicPartition("t", 0, 0)])
        values: list[bytes] = []
        while len(values) < 100:
            messages = consumer.consume(100, 60)
            assert messages, values
            values += [one.value() for one in messages]
        consumer.close()
        assert values == [b"%d" % number for number in range(100)]


def test_a_second_broker_of_the_same_number_is_refused(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path):
        said = refused("up", "--data", str(tmp_path), "--listen", "127.0.0.1:0", "--node-id", "1")
        assert f"broker 1 already runs on {tmp_path}" in said


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused("up", "--data", str(tmp_path / "d"), "--listen", address)
        assert f"{address} is in use" in said
        assert "--listen" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "cannot use" in refused(
            "up", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0"
        )
    finally:
        tmp_path.chmod(0o700)


def test_bad_arguments_are_refused_in_a_sentence(tmp_path: Path) -> None:
    config = tmp_path / "broker.toml"
    config.write_text("[limits]\nconections_max = 1\n")
    data = str(tmp_path / "d")
    assert "HOST:PORT" in refused("up", "--data", data, "--listen", "9092")
    assert "HOST:PORT" in refused("up", "--data", data, "--listen", "localhost:kafka")
    assert "port is 99999" in refused("up", "--data", data, "--listen", "127.0.0.1:99999")
    assert "--data" in refused("up")
    assert "limits.conections_max" in refused("up", "--data", data, "--config", str(config))
    (tmp_path / "file").write_text("")
    assert "cannot listen" in refused("up", "--data", data, "--listen", "192.0.2.1:0")


def test_a_data_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = anabranch("up", "--data", str(tmp_path / "file"), "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert "is a file" in done.stderr


def test_version_and_help() -> None:
    assert anabranch("--version").stdout.startswith("anabranch ")
    for arguments in (["--help"], ["-h"], ["up", "--help"]):
        done = anabranch(*arguments)
        assert done.returncode == 0 and "Usage" in done.stdout
    assert "Run a broker in the foreground" in anabranch("--help").stdout
    unknown = anabranch("fly")
    assert unknown.returncode == 2
    assert "fly" in unknown.stderr and "Traceback" not in unknown.stderr


def test_help_imports_nothing_heavy() -> None:
    """``--help`` is quick: the planes are imported by the command that needs them."""
    code = (
        "import sys; from anabranch.cli.main import cli; "
        "cli.main(['--help'], standalone_mode=False); "
        "heavy = {'pyarrow', 'asyncio', 'obstore', 'rich', 'sqlite3', 'msgspec'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_broker_of_ours_that_does_not_start_fails_its_test(tmp_path: Path) -> None:
    """Other peers that are not there are skipped; this one would hide what it is there to find."""
    with (
        pytest.raises(AssertionError, match="exited with 1 while starting"),
        AnabranchNode(parent=tmp_path, settings={"log": {"no_such_setting": 1}}),
    ):
        raise NotImplementedError
