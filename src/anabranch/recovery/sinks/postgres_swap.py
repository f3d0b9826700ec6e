"""What hangs on a live table of a PostgreSQL sink and must not stay behind when tables are swapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.sinks.common import quoted
from anabranch.recovery.sinks.postgres_server import Connection, Place

# What a rename takes along although it should stay. Views can be made anew; these cannot.
_REFUSED = """
SELECT 'materialized view', d.oid::regclass::text, c.relname
FROM pg_class c JOIN pg_depend p ON p.refobjid = c.oid AND p.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = p.objid JOIN pg_class d ON d.oid = r.ev_class AND d.relkind = 'm'
WHERE c.oid = ANY (%(tables)s::regclass[])
UNION SELECT 'foreign key', f.conname || ' of ' || f.conrelid::regclass, f.confrelid::regclass::text
FROM pg_constraint f WHERE f.contype = 'f'
AND (f.confrelid = ANY (%(tables)s::regclass[]) OR f.conrelid = ANY (%(tables)s::regclass[]))
UNION SELECT 'trigger', t.tgname::text, c.relname
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.oid = ANY (%(tables)s::regclass[])
UNION SELECT 'row security', c.relname, c.relname
FROM pg_class c WHERE c.relrowsecurity AND c.oid = ANY (%(tables)s::regclass[])
ORDER BY 1, 2 LIMIT 1
"""
_VIEWS = """
SELECT DISTINCT n.nspname, d.relname, pg_get_viewdef(d.oid), d.reloptions
FROM pg_depend p JOIN pg_rewrite r ON r.oid = p.objid AND p.classid = 'pg_rewrite'::regclass
JOIN pg_class d ON d.oid = r.ev_class AND d.relkind = 'v' JOIN pg_namespace n ON n.oid = d.relnamespace
WHERE p.refobjid = ANY (%(tables)s::regclass[]) ORDER BY 1, 2
"""
_PRIVILEGES = """
SELECT c.relname, coalesce(r.rolname, ''), a.privilege_type, a.is_grantable
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = ANY (%(tables)s::regclass[]) AND a.grantee <> c.relowner ORDER BY 1, 2, 3
"""


class View(NamedTuple):
    """A view on a live table, as it was written; ``options`` as ``security_barrier=true``."""

    schema: str
    name: str
    query: str
    options: list[str] | None


class Privilege(NamedTuple):
    """Who may do what with a live table; an empty ``role`` is PUBLIC."""

    table: str
    role: str
    kind: str
    grantable: bool


class Followers(NamedTuple):
    """What belongs to whichever tables are live."""

    where: Place
    views: list[View]
    privileges: list[Privilege]

    @classmethod
    def of(cls, connection: Connection, where: Place, tables: Sequence[str]) -> Followers:
        """Read before the swap, in its transaction. Raises UserFault for what could not follow."""
        named = {"tables": [where.table(table) for table in tables]}
        # With an empty path every name in a view's definition is written with its schema.
        connection.execute("SET LOCAL search_path = ''")
        refused = connection.execute(_REFUSED, named).fetchone()
        if refused is not None:
            kind, name, table = refused
            raise UserFault(
                f"{where.location}: {kind} “{name}” would stay with the former table “{table}”: "
                "drop it, promote, and make it again"
            )
        views = [View(*row) for row in connection.execute(_VIEWS, named)]
        privileges = [Privilege(*row) for row in connection.execute(_PRIVILEGES, named)]
        return cls(where, views, privileges)

    def bring_over(self, connection: Connection) -> None:
        """After the swap: the same names now stand for other tables."""
        for view in self.views:
            options = f" WITH ({', '.join(view.options)})" if view.options else ""
            connection.execute(
                f"CREATE OR REPLACE VIEW {quoted(view.schema)}.{quoted(view.name)}{options}"
                f" AS {view.query}"
            )
        for privilege in self.privileges:
            role = quoted(privilege.role) if privilege.role else "PUBLIC"
            option = " WITH GRANT OPTION" if privilege.grantable else ""
            connection.execute(
                f"GRANT {privilege.kind} ON {self.where.table(privilege.table)} TO {role}{option}"
            )
