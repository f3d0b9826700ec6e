"""``anabranch``: one command per noun. Each is imported only when it is used.

A sub-command is a module ``anabranch.cli.<name>`` with a click command called ``command``. Errors that
the world makes end in one sentence on stderr and exit status 1; a traceback is a bug.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

from anabranch.errors import AnabranchError

COMMANDS: Final = {
    "acl": "Who may do what: add, list and remove ACLs; say why something is allowed or refused.",
    "audit": "Read the audit log, and verify that no line was removed, altered or moved.",
    "branch": "Create, list and delete branches: copies of a topic's past that cost no bytes.",
    "broker": "List brokers with their lanes, zones and addresses; remove one that is gone.",
    "check": "Verify the bucket against the metastore while brokers run: missing, unreferenced, corrupt.",
    "checkpoint": "Show what checkpoints of Flink, Spark and other engines say, without these engines.",
    "classes": "Classes of topics: how far back each must be replayable, and the retention that follows.",
    "effects": "Effects that left the house: list them, settle what is in doubt, compare duplicates.",
    "drill": "Rehearse recovery on a scratch cluster made from the data, with signed evidence.",
    "explain": "Say what a group had committed at an instant, by whom, and what a restart would do.",
    "group": "List and describe consumer groups, who reads without one; undo a change of offsets.",
    "hold": "Pin what a recovery point or a group needs, whatever retention says.",
    "horizon": "How far back each topic reaches, against what its class needs, and for how long.",
    "log": "Show what lies in the log, and what is damaged: batches, extents, segments; skip a lost range.",
    "offsets": "Change a group's offsets by a plan: previewed, approved, applied, undone.",
    "plan": "From an incident to exact offsets: how far back, what is safe, who sees duplicates.",
    "point": "Create, list and show recovery points.",
    "promote": "Hand a verified replay to the live processor: exact offsets, tables swapped.",
    "quota": "How much users, client ids, addresses, groups and replay sessions may use.",
    "rebuild": "Make the metastore anew from bucket and WAL alone, and list what is not known.",
    "replay": "Run a command or function over a branch, at its own rate, apart from live traffic.",
    "report": "Answer the four questions about a replay with evidence, as HTML and JSON.",
    "runway": "When retention will pass the position of a group, at today's rates.",
    "sink": "Declare sinks, so that plans know what a repeat does to them.",
    "sql": "Query topics straight from the bucket with DuckDB; the offsets read are kept.",
    "shadow": "A corrected processor beside the live one, on live topics, until it takes over.",
    "status": "Whether every declared stream could be recovered now.",
    "topic": "Create, list, describe, configure and delete topics.",
    "transaction": "List and describe transactions; abort one that hangs.",
    "up": "Run a broker in the foreground.",
    "user": "Users that log in with a password: add, list, delete, change the password.",
    "verify": "Compare a rebuilt view with the truth and with what it replaces.",
}


class LazyGroup(click.Group):
    """Lists its commands from a table and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in sorted(COMMANDS) if find_spec(f"anabranch.cli.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS or find_spec(f"anabranch.cli.{cmd_name}") is None:
            return None
        command = import_module(f"anabranch.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"anabranch {version('anabranch')}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    name="anabranch",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """A Kafka-compatible event log from which a stream processor can always be rebuilt."""


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and exits with its status."""
    try:
        status = cli.main(args=arguments, prog_name="anabranch", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt) or sys.stdin.isatty():
            sys.exit(130)
        # A question that nobody was there to answer, as in a script.
        print("\nanabranch: nothing was done: --yes answers such a question", file=sys.stderr)
        sys.exit(1)
    except AnabranchError as error:
        print(f"anabranch: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left: nothing more to say, and no traceback
        sys.exit(141)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
