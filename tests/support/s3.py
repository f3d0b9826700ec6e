"""S3 servers for tests: moto in this process, or a real one (Ceph's radosgw on one memory disk).

``ANABRANCH_TEST_S3=radosgw`` (``make test-s3``) runs what is marked ``s3`` against the real one.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

BUCKET = "anabranch-test"
ACCESS_KEY, SECRET_KEY = "test", "test-secret"
START_S = 60
RADOSGW_PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")


class MotoServer:
    """moto's S3 on a loopback port, with a script of what goes wrong with the next PUTs or POSTs.

    "refuse": answer 503 and do nothing.  "lose": do it and answer 503.  "twice": do it twice, as a
    retrying proxy does, and give the second answer.  "conflict": answer 409 and do nothing.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app = DomainDispatcherApplication(create_backend_app)
        self._writing = threading.Lock()  # moto looks, then creates: of two at once both would win
        self.script: deque[str] = deque()
        self.requests: list[tuple[str, str]] = []
        self._server = make_server("127.0.0.1", 0, self._handle, threaded=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        request = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request).close()

    def _handle(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        method = environ["REQUEST_METHOD"]
        self.requests.append((method, environ["PATH_INFO"] + "?" + environ["QUERY_STRING"]))
        writes = method in ("PUT", "POST") and "delete" not in environ["QUERY_STRING"]
        trouble = self.script.popleft() if self.script and writes else ""
        if trouble == "twice":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            b"".join(self._app(dict(environ), lambda *_: None))
            environ["wsgi.input"] = io.BytesIO(body)
        if trouble == "lose":
            b"".join(self._app(environ, lambda *_: None))
        if trouble in ("refuse", "lose"):
            start_response("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        if trouble == "conflict":
            start_response("409 Conflict", [("Content-Length", "0")])
            return [b""]
        if not writes:
            return self._app(environ, start_response)
        with self._writing:
            return self._app(environ, start_response)

    def close(self) -> None:
        self._server.shutdown()


class RadosGateway:
    """Ceph's radosgw with a monitor and one storage daemon in memory, on free loopback ports.

    Debian's packages radosgw, ceph-mon and ceph-osd; about 15 s to start, 250 MB of memory.
    """

    def __init__(self, directory: Path) -> None:
        missing = [name for name in RADOSGW_PROGRAMS if shutil.which(name) is None]
        if missing:
            raise RuntimeError(
                f"{', '.join(missing)} not found: apt-get install radosgw ceph-mon ceph-osd"
            )
        self._directory = directory
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.endpoint = ""
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        directory, fsid, osd = self._directory, str(uuid4()), str(uuid4())
        monitor, old_monitor, gateway = free_port(), free_port(), free_port()
        addresses = f"[v2:127.0.0.1:{monitor},v1:127.0.0.1:{old_monitor}]"
        conf = directory / "ceph.conf"
        conf.write_text(_CONF.format(fsid=fsid, addresses=addresses, directory=directory))
        (directory / "keyring").touch()
        for name in ("mon", "osd"):
            (directory / name).mkdir()
        user = ("--setuser", "root", "--setgroup", "root") if os.geteuid() == 0 else ()
        at = ("-c", str(conf))
        monmap = str(directory / "monmap")
        self._run("monmaptool", "--create", "--addv", "a", addresses, "--fsid", fsid, monmap)
        self._run("ceph-mon", *at, "--mkfs", "-i", "a", "--monmap", monmap, *user)
        self._daemon("ceph-mon", *at, "-i", "a", *user)
        self._run("ceph", *at, "osd", "new", osd)
        self._run("ceph-osd", *at, "-i", "0", "--mkfs", "--osd-uuid", osd, *user)
        self._daemon("ceph-osd", *at, "-i", "0", *user)
        self._run(
            *("radosgw-admin", *at, "user", "create", "--uid", "test", "--display-name", "test"),
            *("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY),
        )
        frontend = f"beast endpoint=127.0.0.1:{gateway}"
        self._daemon("radosgw", *at, "-n", "client.rgw", "--rgw-frontends", frontend, *user)
        self.endpoint = f"http://127.0.0.1:{gateway}"
        deadline = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(self.endpoint, timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"radosgw did not start: see {directory}") from None
                time.sleep(0.1)
        _create_bucket(self.endpoint)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def _daemon(self, *command: str) -> None:
        log = (self._directory / f"{command[0]}.out").open("wb")
        self._daemons.append(subprocess.Popen([*command, "-f"], stdout=log, stderr=log))
        log.close()

    def close(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.kill()  # nothing of it is kept
            daemon.wait()
        self._daemons.clear()


_CONF = """
[global]
fsid = {fsid}
mon host = {addresses}
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd objectstore = memstore
memstore device bytes = 6442450944
public addr = 127.0.0.1
cluster addr = 127.0.0.1
log file = {directory}/$name.log
debug rgw = 0
admin socket = {directory}/$name.asok
run dir = {directory}
keyring = {directory}/keyring
mon data = {directory}/mon
osd data = {directory}/osd
mon data avail crit = 0
[client.rgw]
rgw data = {directory}
"""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _create_bucket(endpoint: str) -> None:
    import boto3  # moto brings it

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    client.create_bucket(Bucket=BUCKET)


class S3Place(NamedTuple):
    """A fresh prefix in a test server's bucket."""

    endpoint: str
    prefix: str

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/{self.prefix}?endpoint={self.endpoint}"


def is_real() -> bool:
    """Whether tests run against a real server."""
    return os.environ.get("ANABRANCH_TEST_S3") == "radosgw"


@pytest.fixture(scope="session")
def moto_server() -> Iterator[MotoServer]:
    server = MotoServer()
    yield server
    server.close()


@pytest.fixture
def moto(moto_server: MotoServer) -> MotoServer:
    moto_server.script.clear()
    moto_server.requests.clear()
    return moto_server


@pytest.fixture(scope="session")
def real_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadosGateway]:
    server = RadosGateway(tmp_path_factory.mktemp("radosgw"))
    yield server
    server.close()


@pytest.fixture
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    """A place of its own on whichever server this run is about; credentials are in the environment."""
    server = request.getfixturevalue("real_s3" if is_real() else "moto")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    return S3Place(server.endpoint, f"p-{uuid4().hex}")


@pytest.fixture
def s3_store(s3: S3Place) -> Any:
    """An S3 store below a prefix of its own."""
    from anabranch.storage.s3 import S3Store

    return S3Store.from_url(s3.url)
