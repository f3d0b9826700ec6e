"""Copies of PostgreSQL sinks: schemas of their own in a database that was given for drills.

``anabranch_drill_XXXXXXXX`` is the sink; ``…_base``, ``…_older`` and ``…_truth`` are what it was at some time. All of them go
when the drill ends, or with the next drill there if it was killed.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import psycopg

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.copies.common import Copy, compared
from anabranch.recovery.sinks import postgres_server as server
from anabranch.recovery.sinks.common import SEPARATOR, quoted

if TYPE_CHECKING:
    from anabranch.recovery.drills.declared import Stream
    from anabranch.recovery.drills.stage import Stage
    from anabranch.recovery.plans.plan import Plan

logger = logging.getLogger(__name__)

PREFIX = "anabranch_drill_"  # of the schemas
PASSWORD = "PGPASSWORD"


class PostgresCopy(Copy):
    """Raises UserFault where the database given is the production's, or cannot be reached."""

    def __init__(self, stream: Stream, work: Path) -> None:
        super().__init__(stream, work)
        given = stream.drill.sink
        if not given.startswith(("postgresql://", "postgres://")):
            raise UserFault(
                "its sink is on PostgreSQL, and a drill never writes to the production's database: name another "
                'one with drill.sink = "postgresql://…" (it makes a schema of its own there, and removes it)'
            )
        parts = urlsplit(given)
        options = dict(parse_qsl(parts.query))
        self._password = unquote(parts.password) if parts.password else options.pop("password", "")
        self._had = os.environ.get(PASSWORD)
        self._name = f"{PREFIX}{secrets.token_hex(4)}"
        user, at, host = parts.netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}{at}{host}"
        options.pop("schema", None)
        self._urls = {
            name: urlunsplit(
                (
                    "postgresql",
                    netloc,
                    parts.path,
                    urlencode({**options, "schema": self._schema(name)}),
                    "",
                )
            )
            for name in ("", "base", "older", "truth")
        }
        self._where = server.place(self._urls[""])
        try:
            self._connection = server.connect(server.place(given))
            self._require_apart()
            self._claim(self._name)  # before it is there: nobody takes it for a dead drill's
            self._connection.execute(f"CREATE SCHEMA {quoted(self._schema())}")
            self._sweep()
        except psycopg.Error as error:
            raise UserFault(f"drill.sink: {error}") from None
        except StoreFault as fault:
            raise UserFault(f"drill.sink: {fault}") from None
        if self._password:  # documents keep locations without it, and are opened again by those
            os.environ[PASSWORD] = self._password

    def location(self, broker: str) -> str:
        return self._urls[""]

    @property
    def environment(self) -> dict[str, str]:
        return {PASSWORD: self._password} if self._password else {}

    async def keep_older(self, stage: Stage) -> None:
        self._copy("", "older")

    async def keep_truth(self, stage: Stage) -> None:
        self._copy("", "truth")

    def save(self) -> None:
        self._copy("", "base")

    def reset(self) -> None:
        self._copy("base", "")

    async def damage(self, stage: Stage) -> int:
        """Every third row is gone."""
        gone = 0
        try:
            for table in self.stream.verify.tables:
                at = self._where.table(table)
                gone += self._connection.execute(
                    f"DELETE FROM {at} WHERE ctid IN (SELECT ctid FROM (SELECT ctid, row_number() OVER () AS n"
                    f" FROM {at}) AS numbered WHERE n % 3 = 0)"
                ).rowcount
        except psycopg.Error as error:
            raise UserFault(f"the live tables could not be damaged: {error}") from None
        return gone

    async def restore_older(self, stage: Stage) -> None:
        self._copy("older", "")

    async def clear(self, stage: Stage) -> None:
        self._drop("")
        self._connection.execute(f"CREATE SCHEMA {quoted(self._schema())}")

    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        at = f"{SEPARATOR}{line}" if line else ""
        return tuple(
            compared(
                self.stream, f"{stage.sink}#{table}{at}", f"{self._urls['truth']}#{table}", key
            )
            for table, key in self.stream.verify.tables.items()
        )

    def close(self) -> None:
        try:
            for name in self._urls:
                self._drop(name)
        except psycopg.Error as error:
            logger.warning("the drill's schemas %s… stay: %s", self._name, error)
        finally:
            self._connection.close()
            if self._had is None:
                os.environ.pop(PASSWORD, None)
            else:
                os.environ[PASSWORD] = self._had

    def _claim(self, name: str) -> bool:
        """Whether the schemas of a drill are ours: until this connection ends, however it does."""
        asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        (is_ours,) = self._connection.execute(asked, (name,)).fetchone() or (False,)
        return bool(is_ours)

    def _sweep(self) -> None:
        """Remove what drills that were killed had left here: their connections have gone, and their claims with them."""
        found = self._connection.execute(
            "SELECT substr(nspname, 1, %s) AS drill, array_agg(nspname) FROM pg_namespace"
            " WHERE nspname ~ %s AND pg_has_role(nspowner, 'USAGE') GROUP BY drill ORDER BY drill",
            (len(self._name), f"^{PREFIX}[0-9a-f]{{8}}(_(base|older|truth))?$"),
        ).fetchall()
        for name, schemas in found:
            if name == self._name or not self._claim(name):
                continue
            try:
                for schema in schemas:
                    self._connection.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")
                self.swept.append(f"schemas {name}…")
            except psycopg.Error as error:
                logger.warning("the schemas %s… of a drill that was killed stay: %s", name, error)

    def _schema(self, name: str = "") -> str:
        return f"{self._name}_{name}" if name else self._name

    def _drop(self, name: str) -> None:
        self._connection.execute(f"DROP SCHEMA IF EXISTS {quoted(self._schema(name))} CASCADE")

    def _copy(self, name: str, to: str) -> None:
        """All tables of one schema, with their indexes and rows, and what the sink counts epochs by."""
        source, target = self._schema(name), self._schema(to)
        run = self._connection.execute
        with server.transaction(self._connection, self._where):
            self._drop(to)
            run(f"CREATE SCHEMA {quoted(target)}")
            for (sequence,) in self._all("SELECT sequencename FROM pg_sequences", source):
                run(f"CREATE SEQUENCE {quoted(target)}.{quoted(sequence)}")
                run(
                    f"SELECT setval(%s::regclass, (SELECT last_value FROM {quoted(source)}.{quoted(sequence)}))",
                    (f"{quoted(target)}.{quoted(sequence)}",),
                )
            for (table,) in self._all("SELECT tablename FROM pg_tables", source):
                old, new = (f"{quoted(schema)}.{quoted(table)}" for schema in (source, target))
                run(f"CREATE TABLE {new} (LIKE {old} INCLUDING ALL)")
                columns = ", ".join(
                    quoted(column)
                    for (column,) in run(
                        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                        (old,),
                    )
                )
                run(
                    f"INSERT INTO {new} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {old}"
                )

    def _all(self, query: str, schema: str) -> list[Any]:
        return self._connection.execute(
            f"{query} WHERE schemaname = %s ORDER BY 1", (schema,)
        ).fetchall()

    def _require_apart(self) -> None:
        """By what the servers say of themselves: one database has many addresses."""
        me = "SELECT current_database(), inet_server_port(), pg_postmaster_start_time()"
        try:
            production = server.connect(server.place(self.stream.sink), read_only=True)
        except StoreFault:
            theirs = None  # then it is compared by its address
        else:
            with production:
                theirs = production.execute(me).fetchone()
            production.close()
        ours = self._connection.execute(me).fetchone()
        addresses = [urlsplit(text) for text in (self.stream.sink, self.stream.drill.sink)]
        one, other = ((each.hostname, each.port or 5432, each.path) for each in addresses)
        if ours == theirs or one == other:
            self._connection.close()
            raise UserFault(
                "drill.sink names the production's own database: a drill writes to another one only"
            )
