"""Connections to a PostgreSQL server: where it is, how long anything may take, what is set on each."""

from __future__ import annotations

import time
import zlib
from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import waiting

from anabranch.errors import StoreFault, UserFault
from anabranch.metastore.postgres import faults
from anabranch.metastore.postgres.tx import adapt

T = TypeVar("T")

SERVER_VERSION_MIN = 140_000  # the oldest release line that PostgreSQL itself still repairs
SCHEMA = "anabranch"  # unless the URL says ?schema=…

CONNECT_S_MAX = 5  # per address of the URL; libpq's smallest is 2
STATEMENT_MS_MAX = (
    10_000  # no statement of ours takes a second; a check reads everything and is exempt
)
LOCK_MS_MAX = 5_000  # another broker may hold a lock for one of its transactions
IDLE_MS_MAX = (
    3_000  # within a transaction: a broker that stalls there loses it, and with it its locks
)
ANSWER_S_MAX = (
    15  # a server that is silent for longer than its own limits allow is not there any more
)
KEEPALIVE_IDLE_S = 5  # a host that vanished is noticed in IDLE + COUNT * INTERVAL seconds
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_COUNT = 3
UNACKNOWLEDGED_MS_MAX = 10_000  # TCP_USER_TIMEOUT: as above, for what was sent
PREPARED_MAX = 512  # statements kept per connection; all verbs together have some 200
PREPARE_AFTER = 2  # executions; a statement that runs once is not worth it

# Every statement of the verbs has an index to go by. The statistics of a young or quickly growing table
# would now and then say otherwise, and a prepared plan outlives the moment.
_SETTINGS = {
    "application_name": "anabranch",
    "statement_timeout": STATEMENT_MS_MAX,
    "lock_timeout": LOCK_MS_MAX,
    "idle_in_transaction_session_timeout": IDLE_MS_MAX,
    "default_transaction_isolation": "read\\ committed",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "timezone": "UTC",
}


class Address(NamedTuple):
    """A parsed ``postgresql://…`` URL. ``shown`` is fit for messages: it holds no password."""

    url: str
    schema: str
    shown: str

    @property
    def lock(self) -> int:
        """The number of this metastore's advisory lock among all of the database."""
        return zlib.crc32(f"anabranch {self.schema}".encode())


def address(url: str) -> Address:
    """Raises UserFault for what is not a PostgreSQL URL."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", SCHEMA)
    if parts.scheme not in ("postgresql", "postgres"):
        raise UserFault(f"{url!r} is not a postgresql:// URL")
    if not schema.replace("_", "a").isalnum() or not schema.isascii() or schema != schema.lower():
        raise UserFault(f"schema {schema!r}: use small letters, digits and underscores")
    bare = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
    try:
        fields = psycopg.conninfo.conninfo_to_dict(bare)
    except psycopg.Error as error:
        raise UserFault(f"{_without_password(url)!r}: {faults.sentence(error)}") from None
    user = f"{quote(str(fields['user']))}@" if "user" in fields else ""
    port = f":{fields['port']}" if "port" in fields else ""
    shown = f"postgresql://{user}{fields.get('host', '')}{port}/{fields.get('dbname', '')}"
    if schema != SCHEMA:
        shown += f"?schema={schema}"
    return Address(bare, schema, unquote(shown))


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, _, rest = head.partition("://")
    return f"{scheme}://{rest.partition(':')[0]}@{tail}" if at else url


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that does not answer at all (a stopped process, a black
    hole that acknowledges packets): libpq itself would wait for ever."""

    answer_s_max: float | None = ANSWER_S_MAX

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        limit = self.answer_s_max
        return super().wait(gen if limit is None else _bounded(gen, limit), *args, **kwargs)


def _bounded(gen: Generator[Any, Any, T], limit_s: float) -> Generator[Any, Any, T]:
    deadline = time.monotonic() + limit_s
    try:
        request = next(gen)
        while True:
            ready = yield request
            if ready == waiting.Ready.NONE and time.monotonic() > deadline:
                raise psycopg.OperationalError(f"no answer in {limit_s:g} s")
            request = gen.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def connect(where: Address) -> BoundedConnection:
    """A connection in autocommit with everything set. Raises psycopg.Error."""
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    connection = BoundedConnection.connect(
        where.url,
        autocommit=True,
        prepare_threshold=PREPARE_AFTER,
        connect_timeout=CONNECT_S_MAX,
        target_session_attrs="read-write",
        keepalives=1,
        keepalives_idle=KEEPALIVE_IDLE_S,
        keepalives_interval=KEEPALIVE_INTERVAL_S,
        keepalives_count=KEEPALIVE_COUNT,
        tcp_user_timeout=UNACKNOWLEDGED_MS_MAX,
        options=f"-c search_path={where.schema} {options}",
        client_encoding="utf8",
    )
    connection.prepared_max = PREPARED_MAX
    adapt(connection)
    # I1: a commit is durable when it returns. What an administrator made stronger stays so.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )
    return connection


def first_connection(where: Address) -> BoundedConnection:
    """The connection that opens the metastore, with a sentence for whoever gave the URL.

    Raises UserFault for what the person must change, StoreFault if trying again may help.
    """
    try:
        connection = connect(where)
    except psycopg.Error as error:
        raise _unopened(error, where) from error
    try:
        version = connection.info.server_version
        if version < SERVER_VERSION_MIN:
            raise UserFault(
                f"the server of {where.shown} is PostgreSQL {version // 10_000}, "
                f"{SERVER_VERSION_MIN // 10_000} or newer is needed"
            )
        row = connection.execute(
            "SELECT current_setting('fsync'), current_setting('server_encoding')"
        ).fetchone()
        assert row is not None
        if row[0] != "on":
            raise UserFault(
                f"the server of {where.shown} runs with fsync = off: a crash of its machine would lose "
                "what was acknowledged; turn fsync on"
            )
        if row[1] != "UTF8":
            raise UserFault(
                f"the database of {where.shown} is in {row[1]}; create one with ENCODING 'UTF8'"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _unopened(error: psycopg.Error, where: Address) -> Exception:
    """Before a session exists libpq gives no codes, only text (in the server's language)."""
    text = str(error)
    reason = faults.sentence(error)
    if "password" in text or "no pg_hba.conf entry" in text or "role" in text:
        return UserFault(f"{where.shown} does not let us in: {reason}")
    if "does not exist" in text:
        return UserFault(f"{where.shown}: {reason}; create it with 'createdb', or correct the URL")
    if "resolve" in text or "translate host name" in text:
        return UserFault(f"{where.shown}: there is no such host")
    if "received invalid response" in text or "unsupported frontend protocol" in text:
        return UserFault(f"what listens at {where.shown} is not a PostgreSQL server")
    if "read-only" in text or "hot standby" in text:
        return UserFault(
            f"{where.shown} is a standby; name the primary, or all servers: "
            "postgresql://host1,host2/…"
        )
    if "refused" in text or "No such file" in text:
        return StoreFault(f"no PostgreSQL server listens at {where.shown}")
    return faults.translate(error, where.shown) or StoreFault(f"{where.shown}: {reason}")
