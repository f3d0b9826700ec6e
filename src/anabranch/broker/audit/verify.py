"""Whether the audit log is whole: its files, or its topic, against themselves and against the metastore."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from anabranch.broker.audit.anchors import Head
from anabranch.broker.audit.chain import Finding, Walk
from anabranch.broker.audit.log import where
from anabranch.log.audit_trail import BadLine, Line, list_files, read_lines


class Verified(Struct, frozen=True):
    """What was looked at, what is wrong, and what is worth a word without being wrong."""

    chains: int
    lines: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


def _walk(chain: str, heads: Mapping[str, Head]) -> Walk:
    head = heads.get(chain)
    if head is None:
        return Walk(chain, {})
    return Walk(chain, {head.seq: head.hash}, first_seq=head.first_seq)


def verify_files(directory: Path, heads: Mapping[str, Head]) -> Verified:
    """The files of a directory. Chains that the metastore knows to be there must be. Raises StoreFault."""
    walks: dict[str, Walk] = {}
    findings: list[Finding] = []
    notes: list[str] = []
    listed = list_files(directory)
    for file in listed:
        walk = walks.setdefault(file.chain, _walk(file.chain, heads))
        last_file = file is max(
            (one for one in listed if one.chain == file.chain), key=lambda one: one.number
        )
        for line in read_lines(file.path):
            if isinstance(line, BadLine):
                if line.last and last_file:
                    # As a broker leaves it that is killed in the middle of a line. If the metastore knows
                    # more of the chain than there is, its end says so.
                    notes.append(f"{line.place}: {line.what}; it is the last one")
                else:
                    findings.append(Finding(file.chain, -1, f"{line.place}: {line.what}"))
            elif line.chain != file.chain:
                findings.append(
                    Finding(file.chain, line.seq, f"{file.path.name} has a line of {line.chain}")
                )
            else:
                walk.take(line)
    here = where(directory)
    for chain, head in heads.items():
        if chain not in walks and head.where == here:
            findings.append(Finding(chain, -1, "no file of it is there"))
    return _verified(walks, heads, findings, notes)


def verify_lines(lines: Iterable[Line | str], heads: Mapping[str, Head]) -> Verified:
    """Lines of several chains, as a topic has them: those of each in their order, some maybe twice."""
    walks: dict[str, Walk] = {}
    findings: list[Finding] = []
    for line in lines:
        if isinstance(line, str):
            findings.append(Finding("?", -1, line))
        else:
            walks.setdefault(line.chain, _walk(line.chain, heads)).take(line)
    return _verified(walks, heads, findings, [])


def _verified(
    walks: Mapping[str, Walk],
    heads: Mapping[str, Head],
    findings: list[Finding],
    notes: list[str],
) -> Verified:
    for chain, walk in walks.items():
        findings += walk.end()
        head = heads.get(chain)
        if head is None:
            findings.append(Finding(chain, -1, "the metastore does not know this chain"))
        elif not head.closed:
            notes.append(f"chain {chain} has not ended: its broker runs, or was killed")
    lines = sum(walk.lines for walk in walks.values())
    return Verified(len(walks), lines, tuple(findings), tuple(notes))
