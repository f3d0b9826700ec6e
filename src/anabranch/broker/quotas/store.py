"""Quotas in the metastore: a document for each entity and key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from anabranch.broker.quotas.rules import (
    DOCUMENT_KIND,
    QUOTAS_MAX,
    Entity,
    Rules,
    check_value,
    decode,
    document_id,
    encode,
)
from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import Metastore

PAGE: Final = 1000


async def load(metastore: Metastore) -> Rules:
    """Raises Corrupt, StoreFault."""
    values: dict[Entity, dict[str, float]] = {}
    after = ""
    while page := await metastore.documents_after(DOCUMENT_KIND, after, PAGE):
        for document in page:
            entity, key, value = decode(document.body)
            values.setdefault(entity, {})[key] = value
        after = page[-1].id
    return Rules(values)


async def alter(
    metastore: Metastore,
    rules: Rules,
    entity: Entity,
    changes: Mapping[str, float | None],
    now_ms: int,
    *,
    validate_only: bool = False,
) -> None:
    """Set or (None) remove quotas of one entity; ``rules`` are those before. Raises ClientFault."""
    added = 0
    for key, value in changes.items():
        if value is not None:
            check_value(entity, key, value)
            added += key not in rules.values.get(entity, {})
    if added and len(rules) + added > QUOTAS_MAX:
        raise ClientFault(ErrorCode.POLICY_VIOLATION, f"there are {QUOTAS_MAX} quotas already")
    if validate_only:
        return
    await asyncio.gather(
        *(
            metastore.delete_document(DOCUMENT_KIND, document_id(entity, key))
            if value is None
            else metastore.put_document(
                DOCUMENT_KIND, document_id(entity, key), encode(entity, key, value), now_ms
            )
            for key, value in changes.items()
        )
    )
