"""AlterUserScramCredentials (51), version 0 (KIP-554): sets and deletes users' SCRAM passwords.

The client salts and hashes the password; what is kept follows from that, and the password from neither. One
change of a user that is wrong refuses all of that user's. Per user: RESOURCE_NOT_FOUND (deletion of what is not there),
DUPLICATE_RESOURCE (one credential twice), UNSUPPORTED_SASL_MECHANISM, UNACCEPTABLE_CREDENTIAL (no name, fewer than 4096
or more than 16384 iterations, a salt or hash of the wrong length), CLUSTER_AUTHORIZATION_FAILED from a lane apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from anabranch.broker import lanes
from anabranch.broker.context import Context
from anabranch.broker.security.scram import ITERATIONS_MAX, ITERATIONS_MIN, keys_of
from anabranch.broker.security.settings import SCRAM_256, SCRAM_512
from anabranch.broker.security.users import USER_NAME_MAX
from anabranch.errors import ClientFault, ErrorCode, UserFault
from anabranch.wire.messages.m51_alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)

KEY = 51
MIN = 0
MAX = 0

MECHANISMS: Final = {1: SCRAM_256, 2: SCRAM_512}
HASH_BYTES: Final = {SCRAM_256: 32, SCRAM_512: 64}
SALT_BYTES_MAX: Final = 1024

Change = ScramCredentialDeletion | ScramCredentialUpsertion


async def handle(
    context: Context, request: AlterUserScramCredentialsRequest
) -> AlterUserScramCredentialsResponse:
    by_user: dict[str, list[Change]] = {}
    asked: list[Change] = [*request.deletions, *request.upsertions]
    for change in asked:
        by_user.setdefault(change.name, []).append(change)
    results = []
    for user, changes in by_user.items():
        result = AlterUserScramCredentialsResult(user=user, error_message=None)
        try:
            lanes.check_cluster(context.lane)
            await _change(context, user, changes)
        except ClientFault as fault:
            result.error_code, result.error_message = fault.code, fault.message
        except UserFault as fault:
            result.error_code, result.error_message = (
                ErrorCode.UNACCEPTABLE_CREDENTIAL,
                str(fault),
            )
        results.append(result)
    return AlterUserScramCredentialsResponse(results=results)


async def _change(context: Context, user: str, changes: Sequence[Change]) -> None:
    """Raises ClientFault, with nothing changed; UserFault if verifiers cannot be written here."""
    if not user:
        raise ClientFault(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if len(user) > USER_NAME_MAX:
        raise ClientFault(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username is too long")
    codes = [change.mechanism for change in changes]
    for code in codes:
        if code not in MECHANISMS:
            raise ClientFault(
                ErrorCode.UNSUPPORTED_SASL_MECHANISM, f"Unknown SCRAM mechanism {code}"
            )
        if codes.count(code) > 1:
            raise ClientFault(
                ErrorCode.DUPLICATE_RESOURCE,
                "A user credential cannot be altered twice in the same request",
            )
    metastore, users = context.log.metastore, context.broker.users
    for change in changes:
        if isinstance(change, ScramCredentialUpsertion):
            _check(change)
        elif await metastore.scram_credential(user, MECHANISMS[change.mechanism]) is None:
            raise ClientFault(
                ErrorCode.RESOURCE_NOT_FOUND,
                "Attempt to delete a user credential that does not exist",
            )
    for change in changes:
        mechanism = MECHANISMS[change.mechanism]
        if isinstance(change, ScramCredentialUpsertion):
            keys = keys_of(
                mechanism, bytes(change.salted_password), bytes(change.salt), change.iterations
            )
            await users.put(user, mechanism, keys, context.broker.now_ms())
        else:
            await metastore.delete_scram_credential(user, mechanism)


def _check(change: ScramCredentialUpsertion) -> None:
    """Raises ClientFault."""
    sentence = None
    if change.iterations < ITERATIONS_MIN:
        sentence = "Iterations are too small"
    elif change.iterations > ITERATIONS_MAX:
        sentence = "Iterations are too large"
    elif not 0 < len(change.salt) <= SALT_BYTES_MAX:
        sentence = f"A salt has 1 to {SALT_BYTES_MAX} bytes"
    elif len(change.salted_password) != HASH_BYTES[MECHANISMS[change.mechanism]]:
        sentence = "The salted password has the wrong length for its mechanism"
    if sentence is not None:
        raise ClientFault(ErrorCode.UNACCEPTABLE_CREDENTIAL, sentence)
