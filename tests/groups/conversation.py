"""Runs the scenario files of tests/testdata/groups: conversations between clients and one group.

A file is a list of paragraphs: commands, a line ``----``, what came out. Lines that start with ``#``
are prose. Clients are named by one word; the ids that they are given are ``<name>-<n>``, so that a
restarted client's new id is visible. Set ANABRANCH_REWRITE=1 to write the actual output back into
the files and review the difference.

Commands (options are ``key=value``)::

    limits delay=0 max=3 metadata=100     bounds of the group; delay: initial rebalance, in ms
    join NAME [id=ID] [instance=I] [protocols=range,sticky] [topics=t,u] [type=consumer]
              [session=10000] [rebalance=60000] [known=no] [skip=no]
    sync NAME [id=ID] [generation=N] [instance=I] [type=T] [name=P] [MEMBER=ASSIGNMENT ...]
    heartbeat NAME [id=ID] [generation=N] [instance=I]
    commit NAME [id=ID] [generation=N] [instance=I]
    leave ID|instance=I ...
    disconnect NAME                       the connection closes, its parked requests with it
    advance MS                            time passes; everything due happens in order
    stall MS                              time passes while the broker is frozen
    restart                               the broker forgets all but what was persisted
    delete
    show
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup, Effect, Persist
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import GroupSnapshot, decode_snapshot
from anabranch.groups.values import (
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    Reply,
    SyncCall,
    SyncResult,
)
from anabranch.wire.messages.consumer_protocol_subscription import ConsumerProtocolSubscription


def subscription(*topics: str) -> bytes:
    return b"\x00\x01" + ConsumerProtocolSubscription(topics=list(topics)).encode(1)


def split_options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    plain = [word for word in words if "=" not in word]
    options = dict(word.split("=", 1) for word in words if "=" in word)
    return plain, options


class Conversation:
    def __init__(self) -> None:
        self.now_ms = 0
        self.settings = GroupSettings(initial_rebalance_delay_ms=0)
        self.group = ClassicGroup("g", self.settings, 0)
        self.stored: GroupSnapshot | None = None
        self.ids: dict[str, str] = {}
        self.generations: dict[str, int] = {}
        self.fresh = 0
        self.waiting: set[tuple[str, str, int]] = set()
        self.serial = 0
        self.out: list[str] = []

    def run(self, line: str) -> list[str]:
        verb, *words = line.split()
        plain, options = split_options(words)
        self.out = []
        before = self.group.state
        getattr(self, f"do_{verb}")(plain, options)
        self.group.check()
        if self.group.state is not before:
            self.out.append(f"group: {before} -> {self.group.state}")
        return self.out or ["ok"]

    # -- commands --------------------------------------------------------------------------
    def do_limits(self, plain: list[str], options: dict[str, str]) -> None:
        names = {
            "delay": "initial_rebalance_delay_ms",
            "max": "members_max",
            "metadata": "member_metadata_bytes_max",
            "bytes": "group_bytes_max",
        }
        self.settings = replace(self.settings, **{names[k]: int(v) for k, v in options.items()})
        self.group.settings = self.settings

    def do_join(self, plain: list[str], options: dict[str, str]) -> None:
        (name,) = plain
        topics = options.get("topics", "t").split(",")
        self.fresh += 1
        waiter = self.wait(name, "join")
        call = JoinCall(
            member_id=options.get("id", self.ids.get(name, "")),
            group_instance_id=options.get("instance"),
            client_id=name,
            client_host="/127.0.0.1",
            protocol_type=options.get("type", "consumer"),
            protocols=tuple(
                (protocol, subscription(*topics))
                for protocol in options.get("protocols", "range").split(",")
                if protocol
            ),
            session_timeout_ms=int(options.get("session", "10000")),
            rebalance_timeout_ms=int(options.get("rebalance", "60000")),
            require_known_member_id=options.get("known") != "no",
            supports_skip_assignment=options.get("skip") != "no",
        )
        self.take(self.group.join(self.now_ms, waiter, str(self.fresh), call))
        if waiter in self.waiting:
            self.out.append(f"{name} join: waits")

    def do_sync(self, plain: list[str], options: dict[str, str]) -> None:
        (name,) = plain
        member_id, generation, instance = self.identity(name, options)
        waiter = self.wait(name, "sync")
        call = SyncCall(
            member_id=member_id,
            group_instance_id=instance,
            generation=generation,
            protocol_type=options.pop("type", None),
            protocol_name=options.pop("name", None),
            assignments=[(self.ids.get(m, m), a.encode()) for m, a in options.items()],
        )
        self.take(self.group.sync(self.now_ms, waiter, call))
        if waiter in self.waiting:
            self.out.append(f"{name} sync: waits")

    def do_heartbeat(self, plain: list[str], options: dict[str, str]) -> None:
        member_id, generation, instance = self.identity(plain[0], options)
        error = self.group.heartbeat(self.now_ms, member_id, instance, generation)
        self.out.append(f"{plain[0]} heartbeat: {error.name}")

    def do_commit(self, plain: list[str], options: dict[str, str]) -> None:
        member_id, generation, instance = self.identity(plain[0], options)
        error = self.group.check_commit(self.now_ms, member_id, instance, generation)
        self.out.append(f"{plain[0]} commit: {error.name}")

    def do_leave(self, plain: list[str], options: dict[str, str]) -> None:
        leaving = [LeavingMember(self.ids.get(word, word)) for word in plain]
        if "instance" in options:
            leaving.append(LeavingMember(options.get("id", ""), options["instance"]))
        self.take(self.group.leave(self.now_ms, self.wait("leave", ""), leaving))

    def do_disconnect(self, plain: list[str], options: dict[str, str]) -> None:
        for waiter in sorted(w for w in self.waiting if w[0] == plain[0]):
            self.waiting.remove(waiter)
            self.take(self.group.forget(self.now_ms, waiter))

    def do_advance(self, plain: list[str], options: dict[str, str]) -> None:
        end_ms = self.now_ms + int(plain[0])
        while (due_ms := self.group.next_deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = due_ms
            said = len(self.out)
            self.take(self.group.tick(due_ms))
            self.group.check()
            self.out[said:] = [f"{due_ms} ms: {text}" for text in self.out[said:]]
        self.now_ms = end_ms

    def do_stall(self, plain: list[str], options: dict[str, str]) -> None:
        self.now_ms += int(plain[0])
        self.take(self.group.tick(self.now_ms))

    def do_restart(self, plain: list[str], options: dict[str, str]) -> None:
        self.waiting.clear()
        if self.stored is None:
            self.group = ClassicGroup("g", self.settings, self.now_ms)
            self.out.append("nothing was stored")
        else:
            stored = decode_snapshot(self.stored.encode())
            self.group = ClassicGroup.restore(stored, self.settings, self.now_ms)
            self.out += self.describe()

    def do_delete(self, plain: list[str], options: dict[str, str]) -> None:
        self.out.append(f"delete: {self.group.delete().name}")

    def do_show(self, plain: list[str], options: dict[str, str]) -> None:
        self.out += self.describe()

    # -- plumbing --------------------------------------------------------------------------
    def identity(self, name: str, options: dict[str, str]) -> tuple[str, int, str | None]:
        return (
            options.pop("id", self.ids.get(name, "")),
            int(options.pop("generation", str(self.generations.get(name, -1)))),
            options.pop("instance", None),
        )

    def wait(self, name: str, what: str) -> tuple[str, str, int]:
        self.serial += 1
        waiter = (name, what, self.serial)
        self.waiting.add(waiter)
        return waiter

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Persist):
                self.stored = self.group.snapshot()
                self.out.append(f"persist: {self.line(self.stored)}")
            else:
                self.answer(effect)

    @staticmethod
    def line(snapshot: GroupSnapshot) -> str:
        members = " ".join(m.member_id for m in snapshot.members)
        return f"{snapshot.state} generation={snapshot.generation} members=[{members}]"

    def answer(self, reply: Reply) -> None:
        assert reply.waiter in self.waiting, "each waiter is answered once"
        self.waiting.remove(reply.waiter)
        name, what, _ = reply.waiter
        text = f"{name} {what}".rstrip() + f": {reply.result.error.name}"
        match reply.result:
            case JoinResult(error=ErrorCode.NONE) as result:
                self.ids[name] = result.member_id
                self.generations[name] = result.generation
                text += f" id={result.member_id} generation={result.generation}"
                text += f" protocol={result.protocol_name} leader={result.leader}"
                if result.members:
                    text += f" members=[{' '.join(m.member_id for m in result.members)}]"
                if result.skip_assignment:
                    text += " skip-assignment"
            case JoinResult() as result:
                text += f" id={result.member_id}" if result.member_id else ""
                if result.error in (ErrorCode.MEMBER_ID_REQUIRED, ErrorCode.UNKNOWN_MEMBER_ID):
                    self.ids[name] = result.member_id
                    if result.error is ErrorCode.UNKNOWN_MEMBER_ID:
                        del self.ids[name]
            case SyncResult(error=ErrorCode.NONE) as result:
                printable = result.assignment.isalnum()
                shown = result.assignment.decode() if printable else result.assignment.hex()
                text += f" protocol={result.protocol_name} assignment={shown}"
            case LeaveResult() as result:
                for left in result.members:
                    text += f" {left.group_instance_id or left.member_id}:{left.error.name}"
        self.out.append(text)

    def describe(self) -> list[str]:
        group = self.group
        head = f"{group.state} generation={group.generation} leader={group.roster.leader}"
        head += f" protocol={group.protocol_name} next={group.next_deadline_ms}"
        lines = [head]
        for member in group.roster.members.values():
            waits = "join" if member.join_waiter else "sync" if member.sync_waiter else "no"
            instance = f" instance={member.group_instance_id}" if member.is_static else ""
            lines.append(f"  {member.member_id}{instance} waits={waits}")
        lines += [f"  {member_id} pending" for member_id in group.roster.pending]
        return lines


def run_file(path: Path) -> str:
    """The file as it should read, with the actual output in place of the expected."""
    conversation = Conversation()
    written: list[str] = []
    paragraphs = path.read_text().rstrip("\n").split("\n\n")
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        if "----" not in lines:
            assert all(line.startswith("#") for line in lines), f"no ---- in: {paragraph}"
            written.append(paragraph)
            continue
        asked = lines[: lines.index("----")]
        answered = [
            said for line in asked if not line.startswith("#") for said in conversation.run(line)
        ]
        written.append("\n".join([*asked, "----", *answered]))
    return "\n\n".join(written) + "\n"
