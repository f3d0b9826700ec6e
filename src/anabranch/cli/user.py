"""``anabranch user``: who may log in with a password."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.broker.security.users import Users
    from anabranch.log.location import Location
    from anabranch.log.log import Log

F = TypeVar("F", bound=Callable[..., Any])

_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")

_key_option = click.option(
    "--credentials-key-file",
    "key_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ANABRANCH_CREDENTIALS_KEY_FILE",
    show_envvar=True,
    help="The file that sasl.credentials_key names, where verifiers are encrypted.",
)
_mechanism_option = click.option(
    "--mechanism",
    "mechanisms",
    type=click.Choice(_MECHANISMS),
    multiple=True,
    help="For this mechanism alone. [default: both]",
)


def _password_options(function: F) -> F:
    file = click.option(
        "--password-file",
        type=click.File("r"),
        help="Read the password from there, - for standard input. [default: ask for it]",
    )
    iterations = click.option(
        "--iterations",
        type=click.IntRange(4096, 16384),
        default=4096,
        show_default=True,
        help="How often the password is hashed.",
    )
    return file(iterations(function))


@click.group(name="user", epilog="Example: anabranch user add alice")
def command() -> None:
    """Users that log in with a password: by SCRAM, or by PLAIN over TLS."""


def _users(log: Log, key_file: Path | None) -> Users:
    import secrets

    from anabranch.broker.security.secret import Secret
    from anabranch.broker.security.users import Users

    key = None if key_file is None else Secret(f"file:{key_file}")
    return Users(log.metastore, key, secrets.token_bytes)


def _read_password(file: Any) -> str:
    if file is not None:
        text: str = file.read(64 * 1024)
        return text.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        from anabranch.errors import UserFault

        raise UserFault("no terminal to ask for the password: give --password-file, - for stdin")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@command.command(epilog="Example: anabranch user add alice --password-file - < secret")
@click.argument("name")
@_password_options
@_mechanism_option
@_key_option
@_options.data_option
@_options.faults_to_sentences
def add(
    name: str,
    password_file: Any,
    iterations: int,
    mechanisms: tuple[str, ...],
    key_file: Path | None,
    data: Location,
) -> None:
    """Let user NAME log in. A password is never an argument: others could read it."""
    _set(name, password_file, iterations, mechanisms, key_file, data, new=True)
    click.echo(f"User {name} can log in.")


@command.command(epilog="Example: anabranch user password alice")
@click.argument("name")
@_password_options
@_mechanism_option
@_key_option
@_options.data_option
@_options.faults_to_sentences
def password(
    name: str,
    password_file: Any,
    iterations: int,
    mechanisms: tuple[str, ...],
    key_file: Path | None,
    data: Location,
) -> None:
    """Give user NAME another password; who is logged in stays so until the session ends."""
    _set(name, password_file, iterations, mechanisms, key_file, data, new=False)
    click.echo(f"User {name} has another password.")


def _set(
    name: str,
    password_file: Any,
    iterations: int,
    mechanisms: tuple[str, ...],
    key_file: Path | None,
    data: Location,
    *,
    new: bool,
) -> None:
    from anabranch.broker.security.users import check_new
    from anabranch.errors import UserFault

    text = _read_password(password_file)
    check_new(name, text)

    async def main() -> None:
        async with _options.opened(data, create=new) as log:
            known = await log.metastore.scram_credentials(name)
            if new and known:
                raise UserFault(
                    f"there is a user {name}: `anabranch user password {name}` changes the password"
                )
            if not new and not known:
                raise UserFault(
                    f"there is no user {name}; `anabranch user list` shows who there is"
                )
            users = _users(log, key_file)
            wanted = mechanisms or tuple(one.mechanism for one in known) or _MECHANISMS
            for mechanism in wanted:
                keys = users.new_keys(mechanism, text, iterations)
                await users.put(name, mechanism, keys, _options.now_ms())
            what = "user add" if new else "user password"
            await _options.audited(log, what, f"USER:{name}", mechanisms=list(wanted))

    _options.run(main())


@command.command(epilog="Example: anabranch user delete alice")
@click.argument("name")
@_mechanism_option
@_options.data_option
@_options.faults_to_sentences
def delete(name: str, mechanisms: tuple[str, ...], data: Location) -> None:
    """Let user NAME log in no more; who is logged in stays so until the session ends."""
    from anabranch.errors import UserFault

    async def main() -> int:
        async with _options.opened(data) as log:
            gone = [
                await log.metastore.delete_scram_credential(name, mechanism)
                for mechanism in mechanisms or _MECHANISMS
            ]
            await _options.audited(log, "user delete", f"USER:{name}", removed=sum(gone))
            return sum(gone)

    if not _options.run(main()):
        raise UserFault(f"there is no such user {name}; `anabranch user list` shows who there is")
    click.echo(f"User {name} cannot log in any more.")


@command.command("list", epilog="Example: anabranch user list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List users and the mechanisms they can log in by."""

    async def main() -> None:
        async with _options.opened(data) as log:
            values = [
                {
                    "user": one.user,
                    "mechanism": one.mechanism,
                    "iterations": one.iterations,
                    "encrypted": one.sealed,
                    "updated_ms": one.updated_ms,
                }
                for one in await log.metastore.scram_credentials()
            ]
        emit(output, lambda: values, lambda: _parts(values))

    _options.run(main())


def _parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No user has a password here: add one with `anabranch user add NAME`."
        return
    yield Table(
        ("user", "mechanism", ">iterations", "encrypted"),
        [
            (v["user"], v["mechanism"], str(v["iterations"]), "yes" if v["encrypted"] else "no")
            for v in values
        ],
    )
