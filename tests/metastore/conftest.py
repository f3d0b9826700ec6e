"""The contract suite runs on every engine: an engine joins by adding its opener to ``ENGINES``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anabranch.metastore.api import Metastore
from anabranch.metastore.postgres.engine import PostgresMetastore
from anabranch.metastore.sqlite import SqliteMetastore
from tests.metastore.shadow import Shadow
from tests.support.postgres import postgres_url

CLUSTER_ID = b"cluster-id-16byt"


def open_sqlite(directory: Path) -> Metastore:
    return SqliteMetastore.open(
        directory / "metastore.db", now_ms=1, new_cluster_id=lambda: CLUSTER_ID
    )


def open_postgres(directory: Path) -> Metastore:
    """One fresh schema of the session's server for each directory."""
    url_file = directory / "url"
    if not url_file.exists():
        url_file.write_text(postgres_url())
    return PostgresMetastore.open(url_file.read_text(), now_ms=1, new_cluster_id=lambda: CLUSTER_ID)


ENGINES: dict[str, Callable[[Path], Metastore]] = {
    "postgres": open_postgres,
    "sqlite": open_sqlite,
}


@pytest.fixture(params=sorted(ENGINES))
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Metastore]]:
    """Opens the same metastore once more; what is still open at the end is checked and closed."""
    opened: list[Metastore] = []

    def open_again() -> Metastore:
        opened.append(ENGINES[request.param](tmp_path))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def meta(reopen: Callable[[], Metastore]) -> Iterator[Metastore]:
    """After every test the tables are checked, and a replay of the journal is compared with them."""
    store = reopen()
    shadow = Shadow(store)
    yield shadow
    assert asyncio.run(store.check()) == []
    asyncio.run(shadow.assert_told())


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests, each on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
