"""AlterClientQuotas (49), versions 0 to 1 (KIP-546): set and remove quotas of entities.

In force on this broker, and durable, when answered. Errors of each entity: INVALID_REQUEST,
POLICY_VIOLATION (too many), CLUSTER_AUTHORIZATION_FAILED (a lane apart from live).
"""

from __future__ import annotations

from anabranch.broker import lanes
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.broker.quotas.rules import entity_of
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.wire.messages.m49_alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntryData,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntityData,
    AlterClientQuotasResponseEntryData,
)

KEY = 49
MIN = 0
MAX = 1


async def handle(context: Context, request: AlterClientQuotasRequest) -> AlterClientQuotasResponse:
    response = AlterClientQuotasResponse()
    seen = set()
    for wanted in request.entries:
        answer = AlterClientQuotasResponseEntryData(
            error_message=None,
            entity=[
                AlterClientQuotasResponseEntityData(
                    entity_type=part.entity_type, entity_name=part.entity_name
                )
                for part in wanted.entity
            ],
        )
        response.entries.append(answer)
        try:
            lanes.check_cluster(context.lane)
            entity = entity_of((part.entity_type, part.entity_name) for part in wanted.entity)
            if entity in seen:
                raise ClientFault(ErrorCode.INVALID_REQUEST, "Duplicate client quota entity")
            seen.add(entity)
            await context.broker.quotas.alter(
                entity,
                _changes(wanted),
                context.broker.now_ms(),
                validate_only=request.validate_only,
            )
        except (ClientFault, StoreFault) as error:
            fault = to_client_fault(error)
            answer.error_code, answer.error_message = fault.code, fault.message
    return response


def _changes(wanted: AlterClientQuotasRequestEntryData) -> dict[str, float | None]:
    changes: dict[str, float | None] = {}
    for op in wanted.ops:
        if op.key in changes:
            raise ClientFault(ErrorCode.INVALID_REQUEST, f"Duplicate quota key {op.key}")
        changes[op.key] = None if op.remove else op.value
    return changes
