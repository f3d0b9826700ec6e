"""``anabranch acl``: who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.broker.authz.acl import Acl, AclFilter
    from anabranch.log.location import Location

F = TypeVar("F", bound=Callable[..., Any])

OPERATIONS: Final = (
    "all", "read", "write", "create", "delete", "alter", "describe", "cluster-action", "describe-configs",
    "alter-configs", "idempotent-write", "create-tokens", "describe-tokens", "two-phase-commit", "replay",
)  # fmt: skip
_RESOURCES: Final = (
    ("topic", "TOPIC"),
    ("group", "GROUP"),
    ("transactional-id", "TRANSACTIONAL_ID"),
    ("token", "DELEGATION_TOKEN"),
    ("user", "USER"),
)


def resource_options(function: F) -> F:
    """``--topic`` and its like, as ``resources: [(type, name), …]``."""

    def gathered(*args: Any, cluster: bool, **kwargs: Any) -> Any:
        found = [
            (kind, name) for option, kind in _RESOURCES for name in kwargs.pop(f"of_{kind.lower()}")
        ]
        if cluster:
            found.append(("CLUSTER", "kafka-cluster"))
        return function(*args, resources=found, **kwargs)

    from functools import update_wrapper

    command = update_wrapper(gathered, function)
    for option, kind in reversed(_RESOURCES):
        command = click.option(
            f"--{option}",
            f"of_{kind.lower()}",
            multiple=True,
            metavar="NAME",
            help="Repeatable; * for all.",
        )(command)
    return click.option("--cluster", is_flag=True, help="The cluster itself.")(command)  # type: ignore[return-value]


def _operation_option(required: bool) -> Callable[[F], F]:
    return click.option(
        "--operation",
        "operations",
        type=click.Choice(OPERATIONS),
        multiple=True,
        required=required,
        help="Repeatable. replay is the right to read what is old and to go back.",
    )


@click.group(
    name="acl",
    epilog="Example: anabranch acl add --principal User:alice --operation read --topic flights",
)
def command() -> None:
    """Access control lists, enforced by brokers with authorization.acls = true."""


@command.command(
    epilog="Example: anabranch acl add --principal User:etl --operation replay --topic flights --prefixed"
)
@click.option(
    "--principal",
    "principals",
    multiple=True,
    required=True,
    help="As User:alice; User:* is everyone.",
)
@_operation_option(required=True)
@resource_options
@click.option("--prefixed", is_flag=True, help="Every name that begins so.")
@click.option("--host", "hosts", multiple=True, help="From this address alone. [default: *]")
@click.option("--deny", is_flag=True, help="Refuse it, whoever else allows it.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def add(
    principals: tuple[str, ...],
    operations: tuple[str, ...],
    resources: list[tuple[str, str]],
    prefixed: bool,
    hosts: tuple[str, ...],
    deny: bool,
    data: Location,
    output: str,
) -> None:
    """Allow (or deny) PRINCIPAL an operation."""

    async def main() -> None:
        import secrets

        from anabranch.broker.audit import inbox
        from anabranch.broker.authz import acl, policy, store
        from anabranch.errors import ClientFault, UserFault

        if not resources:
            raise UserFault("say of what: --topic, --group, --cluster, --transactional-id, …")
        entries = [
            acl.Acl(
                acl.ResourceType[kind],
                name,
                acl.PatternType.PREFIXED if prefixed else acl.PatternType.LITERAL,
                principal,
                host,
                acl.Operation[operation.replace("-", "_").upper()],
                acl.Permission.DENY if deny else acl.Permission.ALLOW,
            )
            for kind, name in resources
            for principal in principals
            for host in hosts or ("*",)
            for operation in operations
        ]
        for one in entries:
            try:
                acl.validate(one, own=True)
            except ClientFault as fault:
                raise UserFault(fault.message) from None
        async with _options.opened(data, create=True) as log:
            log.metastore.expect_others(True)
            index = await policy.load_index(log.metastore)
            added = [one for one in entries if one not in index]
            if len(index) + len(added) > acl.ACLS_MAX:
                raise UserFault(f"there are {acl.ACLS_MAX} ACLs already")
            now_ms = _options.now_ms()
            await store.create(log.metastore, added, now_ms, secrets.token_hex(8))
            for one in added:
                await inbox.tell(log.metastore, "anabranch acl add", f"ACL:{one}", now_ms)
            enforced = await policy.enforced(log.metastore)
        values = [_value(one) for one in added]
        emit(output, lambda: values, lambda: _added(values, enforced is not None))

    _options.run(main())


def _added(values: list[dict[str, Any]], enforced: bool) -> Iterator[Part]:
    yield f"{len(values)} added." if values else "It was there already."
    if not enforced:
        yield "No broker enforces ACLs: start them with authorization.acls = true."


@command.command("list", epilog="Example: anabranch acl list --topic flights")
@click.option("--principal", "principals", multiple=True, help="Only of these.")
@resource_options
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(
    principals: tuple[str, ...], resources: list[tuple[str, str]], data: Location, output: str
) -> None:
    """List ACLs: all, or those that apply to a resource (also by prefix and *)."""

    async def main() -> None:
        from anabranch.broker.authz import policy

        async with _options.opened(data) as log:
            index = await policy.load_index(log.metastore)
        filters = _filters(principals, (), resources)
        values = [
            _value(one) for one in sorted(index) if any(wanted.matches(one) for wanted in filters)
        ]
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No ACLs."
        return
    keys = ("principal", "permission", "operation", "resource", "pattern", "name", "host")
    yield Table(keys, [[value[key] for key in keys] for value in values])


@command.command(
    epilog="Example: anabranch acl remove --principal User:alice --topic flights --yes"
)
@click.option("--principal", "principals", multiple=True, help="Only of these.")
@_operation_option(required=False)
@resource_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def remove(
    principals: tuple[str, ...],
    operations: tuple[str, ...],
    resources: list[tuple[str, str]],
    yes: bool,
    data: Location,
    output: str,
) -> None:
    """Remove the ACLs on exactly these names, of these principals and operations."""

    async def main() -> None:
        import secrets

        from anabranch.broker.audit import inbox
        from anabranch.broker.authz import policy, store
        from anabranch.broker.authz.acl import PatternType
        from anabranch.errors import UserFault

        if not (principals or operations or resources):
            raise UserFault("say which: --principal, --operation, --topic, …")
        filters = [
            one._replace(pattern=PatternType.ANY)
            for one in _filters(principals, operations, resources)
        ]
        async with _options.opened(data) as log:
            log.metastore.expect_others(True)
            index = await policy.load_index(log.metastore)
            gone = sorted(one for one in index if any(wanted.matches(one) for wanted in filters))
            if gone and not yes:
                for one in gone:
                    click.echo(str(one), err=True)
                click.confirm(f"Remove these {len(gone)}?", abort=True, err=True)
            now_ms = _options.now_ms()
            await store.delete(log.metastore, gone, now_ms, secrets.token_hex(8))
            for one in gone:
                await inbox.tell(log.metastore, "anabranch acl remove", f"ACL:{one}", now_ms)
        values = [_value(one) for one in gone]
        emit(output, lambda: values, lambda: [f"{len(values)} removed."])

    _options.run(main())


@command.command(
    epilog="Example: anabranch acl check --principal User:alice --operation write --topic flights"
)
@click.option("--principal", required=True, help="As User:alice.")
@click.option(
    "--operation", type=click.Choice(OPERATIONS[1:]), required=True, help="What it would do."
)
@resource_options
@click.option("--host", default="127.0.0.1", show_default=True, help="The client's address.")
@_options.data_option
@_options.output_option
@_options.faults_as(2)
def check(
    principal: str,
    operation: str,
    resources: list[tuple[str, str]],
    host: str,
    data: Location,
    output: str,
) -> None:
    """Say whether PRINCIPAL may do it, and by which entry; exit status 1 if not, 2 if it cannot be said."""

    async def main() -> bool:
        from anabranch.broker.authz import acl, policy
        from anabranch.broker.security.principal import Principal
        from anabranch.errors import UserFault

        Principal.parse(principal)
        if not resources:
            raise UserFault("say of what: --topic, --group, --cluster, --transactional-id, …")
        async with _options.opened(data) as log:
            index = await policy.load_index(log.metastore)
            settings = await policy.enforced(log.metastore)
        values = []
        for kind, name in resources:
            decision = index.decide(
                principal,
                host,
                acl.Operation[operation.replace("-", "_").upper()],
                acl.ResourceType[kind],
                name,
                open_by_default=settings is not None and settings.allow_everyone_if_no_acl_found,
            )
            allowed, why = decision.allowed, ""
            if settings is None:
                allowed, why = True, "no broker enforces ACLs"
            elif principal in settings.super_users:
                allowed, why = True, "it is a super user"
            elif decision.acl is not None:
                why = str(decision.acl)
            elif decision.guarded:
                why = "nobody who has an entry on it is this principal, from there, for this"
            elif allowed:
                why = "nobody has an entry on it (allow_everyone_if_no_acl_found)"
            else:
                why = "nobody has an entry on it"
            values.append({"resource": kind, "name": name, "allowed": allowed, "why": why})
        emit(output, lambda: values, lambda: _check_parts(values))
        return all(value["allowed"] for value in values)

    if not _options.run(main()):
        click.get_current_context().exit(1)


def _check_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    for value in values:
        verdict = "allowed" if value["allowed"] else "refused"
        yield f"{value['resource']} {value['name']}: {verdict}: {value['why']}"


def _filters(
    principals: Sequence[str], operations: Sequence[str], resources: Sequence[tuple[str, str]]
) -> list[AclFilter]:
    from anabranch.broker.authz.acl import AclFilter, Operation, PatternType, ResourceType

    kinds: Sequence[tuple[str | None, str | None]] = resources or [(None, None)]
    who: Sequence[str | None] = principals or [None]
    what: Sequence[str | None] = operations or [None]
    return [
        AclFilter(
            ResourceType.ANY if kind is None else ResourceType[kind],
            name,
            PatternType.MATCH,
            principal,
            None,
            Operation.ANY if operation is None else Operation[operation.replace("-", "_").upper()],
        )
        for kind, name in kinds
        for principal in who
        for operation in what
    ]


def _value(one: Acl) -> dict[str, Any]:
    return {
        "principal": one.principal,
        "permission": one.permission.name.lower(),
        "operation": one.operation.name.lower().replace("_", "-"),
        "resource": one.resource_type.name.lower().replace("_", "-"),
        "pattern": one.pattern.name.lower(),
        "name": one.name,
        "host": one.host,
    }
