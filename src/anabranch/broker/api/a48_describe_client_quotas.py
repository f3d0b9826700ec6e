"""DescribeClientQuotas (48), versions 0 to 1 (KIP-546): the quotas of entities that match.

A component asks for a name, for the default, or for either; without ``strict`` entities may have further
types. Errors: INVALID_REQUEST for a type that does not exist, or is asked for twice.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.quotas.rules import CLIENT, IP, USER, Entity
from anabranch.errors import ClientFault, ErrorCode
from anabranch.wire.messages.m48_describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)

KEY = 48
MIN = 0
MAX = 1

_EXACT, _DEFAULT, _SPECIFIED = range(3)


def handle(context: Context, request: DescribeClientQuotasRequest) -> DescribeClientQuotasResponse:
    try:
        wanted = _components(request.components)
    except ClientFault as fault:
        return DescribeClientQuotasResponse(
            error_code=fault.code, error_message=fault.message, entries=None
        )
    return DescribeClientQuotasResponse(
        error_message=None,
        entries=[
            EntryData(
                entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
                values=[ValueData(key=key, value=value) for key, value in sorted(keys.items())],
            )
            for entity, keys in context.broker.quotas.rules.values.items()
            if _matches(wanted, entity, strict=request.strict)
        ],
    )


def _components(components: list[ComponentData]) -> dict[str, ComponentData]:
    wanted: dict[str, ComponentData] = {}
    for one in components:
        if one.entity_type not in (USER, CLIENT, IP):
            raise ClientFault(
                ErrorCode.INVALID_REQUEST, f"Custom entity type '{one.entity_type}' not supported"
            )
        if one.entity_type in wanted:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST,
                f"Duplicate filter component entity type {one.entity_type}",
            )
        if one.match_type not in (_EXACT, _DEFAULT, _SPECIFIED):
            raise ClientFault(ErrorCode.INVALID_REQUEST, f"Unknown match type {one.match_type}")
        if (one.match_type == _EXACT) != (one.match is not None):
            raise ClientFault(
                ErrorCode.INVALID_REQUEST, "a name belongs to an exact match, and only to that"
            )
        wanted[one.entity_type] = one
    if IP in wanted and len(wanted) > 1:
        raise ClientFault(
            ErrorCode.INVALID_REQUEST, "an address goes with neither user nor client id"
        )
    return wanted


def _matches(wanted: dict[str, ComponentData], entity: Entity, *, strict: bool) -> bool:
    names = dict(entity)
    if strict and len(names) != len(wanted):
        return False
    for kind, one in wanted.items():
        if kind not in names:
            return False
        name = names[kind]
        if one.match_type == _EXACT and name != one.match:
            return False
        if one.match_type == _DEFAULT and name is not None:
            return False
    return True
