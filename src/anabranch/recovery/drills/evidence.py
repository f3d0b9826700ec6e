"""A drill's report: the four questions with figures, what each scenario came to, and who can prove it.

Its hash is over the canonical JSON (sorted keys, no spaces) of everything but ``id``, ``hash``, ``signature`` and
``signed_by``, and covers the hash of the report before it; the signature (Ed25519, RFC 8032) is over that hash's 32 bytes. So
whoever has the public key and the newest report knows that none before it was changed or left out.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.declared import Declared
from anabranch.recovery.evidence.report import Answer, Event, Latency
from anabranch.recovery.model import SCHEMA_VERSION, digest
from anabranch.recovery.replays.session import Sample

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND: Final = "drill"
CHAIN: Final = "drill-reports"  # a lease
CHAIN_MS: Final = 10_000  # to store one takes milliseconds
LOOK_S: Final = 0.05
UNHASHED: Final = ("id", "hash", "signature", "signed_by")
TREND_MAX: Final = 50  # earlier drills that a report shows
DIFFERENCES_LISTED: Final = 20  # of a verification in it


class ScenarioReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scenario. ``seconds``: from the damage to the verified and promoted output. ``latencies``: of live traffic
    before and beside the replay, where it was measured (left out of the document, and of its hash, where not)."""

    name: str
    what: str
    verdict: str  # PASS, FAIL or SKIPPED
    sentence: str
    seconds: float
    replay_seconds: float
    records: int
    bytes: int
    suppressed: int
    duplicates: int
    lost: int
    facts: tuple[tuple[str, str], ...]
    verifications: tuple[Verification, ...]
    samples: tuple[Sample, ...]
    latencies: tuple[Latency, ...] = ()


class Loss(Struct, frozen=True):
    """What a recovery now would lose (RPO): records that lie between the newest recovery point and the log's start, and those
    that rehearsals lost; and how much time they stand for, of appends and of the records' own timestamps."""

    records: int
    ms: int
    objective_ms: int

    @property
    def kept(self) -> bool:
        """Whether it is within its objective. Records without any time between them are not nothing."""
        return self.ms <= self.objective_ms and (not self.records or self.objective_ms > 0)


class Past(Struct, frozen=True):
    """An earlier drill of the stream."""

    id: str
    at_ms: int
    passed: bool
    rto_ms: int
    rpo_records: int


class DrillReport(Struct, frozen=True, kw_only=True):
    """``rto_ms``: detect, diagnose and fix as declared, and the replay as measured, of what the production would have to
    replay; ``rpo_records``: records that a recovery lost."""

    id: str
    hash: str
    previous_id: str | None
    previous_hash: str | None
    stream: str
    trigger: str
    passed: bool
    answers: tuple[Answer, ...]
    scenarios: tuple[ScenarioReport, ...]
    rto_ms: int
    rto_objective_ms: int
    rpo_records: int
    rpo_objective: str
    untouched: bool
    trend: tuple[Past, ...]
    follow_ups: tuple[str, ...]
    owner: str
    group: str
    processor: str
    version: str
    command: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    point: str | None
    drilled_records: int
    events: tuple[Event, ...]
    cluster_id: str
    scratch: str
    tool_version: str
    host: str
    creator: str
    created_ms: int
    keep: str
    loss: Loss | UnsetType = UNSET  # in reports of before it was measured
    signature: str = ""
    signed_by: str = ""
    schema_version: int = SCHEMA_VERSION


def sealed(report: DrillReport, key: Ed25519PrivateKey | None) -> DrillReport:
    """With its hash and id, and signed if there is a key."""
    content = digest(report, without=UNHASHED)
    report = structs.replace(report, id=f"drill-{content[:12]}", hash=content)
    if key is None:
        return report
    return structs.replace(
        report, signature=key.sign(bytes.fromhex(content)).hex(), signed_by=_public(key)
    )


def problems(reports: Sequence[DrillReport], public: str | None = None) -> list[str]:
    """What is wrong with reports, the oldest first: changed, left out, wrongly signed. ``public``: the key by which
    they must be signed, in hexadecimal; None: each by the key that it names, if it names one."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    found = []
    previous: DrillReport | None = None
    for report in reports:
        if digest(report, without=UNHASHED) != report.hash:
            found.append(f"{report.id} was changed after it was made")
        elif report.id != f"drill-{report.hash[:12]}":
            found.append(f"{report.id} has another id than its content")
        if previous is not None and report.previous_hash != previous.hash:
            found.append(f"{report.id} does not follow {previous.id}")
        previous = report
        signer = public or report.signed_by
        if not report.signature:
            if public is not None:
                found.append(f"{report.id} is not signed")
            continue
        if public is not None and report.signed_by != public:
            found.append(f"{report.id} is signed by another key, {report.signed_by[:16]}…")
            continue
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)).verify(
                bytes.fromhex(report.signature), bytes.fromhex(report.hash)
            )
        except (InvalidSignature, ValueError):
            found.append(f"{report.id} has a wrong signature")
    return found


# -- keys ------------------------------------------------------------------------------------------------
def make_key(path: Path) -> str:
    """A new private key at ``path`` (PEM, readable by its owner alone); the public one in hexadecimal. Raises UserFault."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    body = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserFault(f"{path} is there already; a key is never overwritten") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    return _public(key)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Raises UserFault."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise UserFault(
            f"there is no key {path}; `anabranch drill keys {path}` makes one"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise UserFault(f"{path} is no private key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserFault(f"{path} is no Ed25519 key")
    return key


def _public(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization

    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


# -- at rest -----------------------------------------------------------------------------------------------
def schema() -> dict[str, Any]:
    """The JSON schema of a report; committed as docs/schemas/drill-report.json."""
    found = msgspec.json.schema(DrillReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def read(path: Path) -> DrillReport:
    """A report's JSON. Raises UserFault."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DrillReport)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserFault(f"{path} is no drill report: {error}") from None


async def stored(metastore: Metastore, stream: str | None = None) -> list[DrillReport]:
    """Every report (of a stream), the oldest first."""
    found = [
        msgspec.json.decode(each.body, type=DrillReport) for each in await metastore.documents(KIND)
    ]
    return [each for each in found if stream is None or each.stream == stream]


class Saved(NamedTuple):
    """A report as it is stored, and where its page and its JSON lie."""

    report: DrillReport
    html: Path
    plain: Path


async def save(
    metastore: Metastore, report: DrillReport, folder: Path, key: Ed25519PrivateKey | None
) -> Saved:
    """Store it behind the newest one, which another drill may have stored while this one ran (then it is sealed anew, with
    ``key``), and write it as HTML and JSON. Raises UserFault, OSError."""
    from anabranch.recovery.drills.page import to_html

    async with _chain(metastore, report):
        newest = next(iter(reversed(await stored(metastore))), None)
        if newest is not None and not _follows(report, newest):
            unsealed = structs.replace(
                report,
                id="",
                hash="",
                signature="",
                signed_by="",
                previous_id=newest.id,
                previous_hash=newest.hash,
                created_ms=max(report.created_ms, newest.created_ms + 1),
            )
            report = sealed(unsealed, key)
        body = msgspec.json.encode(report)
        await metastore.put_document(KIND, report.id, body, report.created_ms)
    folder.mkdir(parents=True, exist_ok=True)
    html, plain = folder / f"{report.id}.html", folder / f"{report.id}.json"
    html.write_text(to_html(report), encoding="utf-8")
    plain.write_bytes(msgspec.json.format(body, indent=2) + b"\n")
    return Saved(report, html, plain)


def _follows(report: DrillReport, newest: DrillReport) -> bool:
    return report.previous_hash == newest.hash and report.created_ms > newest.created_ms


@asynccontextmanager
async def _chain(metastore: Metastore, report: DrillReport) -> AsyncIterator[None]:
    """Drills that end at the same time take turns. Raises UserFault."""
    holder = f"{os.getpid()}-{report.hash}"
    for _ in range(round(2 * CHAIN_MS / 1000 / LOOK_S)):
        if await metastore.acquire_lease(CHAIN, holder, CHAIN_MS, await metastore.now_ms()):
            break
        await asyncio.sleep(LOOK_S)
    else:
        raise UserFault("another drill is storing its report, and does not come to an end")
    try:
        yield
    finally:
        await metastore.release_lease(CHAIN, holder)


def require_folder(folder: Path) -> None:
    """Reports can be written there: better known before a drill than after it. Raises UserFault."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise UserFault(
            f"evidence.folder: no report can be written to {folder}: {error.strerror}"
        ) from None


def key_of(declared: Declared) -> Ed25519PrivateKey | None:
    """The key that signs reports, if one is declared. Raises UserFault."""
    if not declared.evidence.key:
        return None
    return load_key(Path(declared.path).resolve().parent / declared.evidence.key)


def folder_of(declared: Declared) -> Path:
    """Where reports go."""
    return Path(declared.path).resolve().parent / declared.evidence.folder
