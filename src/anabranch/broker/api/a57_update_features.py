"""UpdateFeatures (57), versions 0 to 2 (KIP-584, KIP-1022): levels are where they can be at most.

Asking for the level that a feature is at changes nothing and succeeds. Any other is INVALID_UPDATE_VERSION with a
reason, as Kafka answers a level that it does not support. From v2 there is one error for the whole request, and none of it happens
if one update fails.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.features import FEATURES
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m57_update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

KEY = 57
MIN = 0
MAX = 2

_ONE_ERROR_SINCE = 2
_UPGRADE_TYPES = (1, 2, 3)  # upgrade, safe downgrade, unsafe downgrade


def handle(context: Context, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse:
    names = [update.feature for update in request.feature_updates]
    if not names:
        return UpdateFeaturesResponse(
            error_code=ErrorCode.INVALID_REQUEST, error_message="no feature updates were given"
        )
    if len(set(names)) < len(names):
        return UpdateFeaturesResponse(
            error_code=ErrorCode.INVALID_REQUEST, error_message="a feature is named twice"
        )
    faults = {one.feature: _fault(one, context.version) for one in request.feature_updates}
    failed = [(name, fault) for name, fault in faults.items() if fault is not None]
    if context.version >= _ONE_ERROR_SINCE:
        if not failed:
            return UpdateFeaturesResponse(error_message=None)
        name, (code, reason) = failed[0]
        return UpdateFeaturesResponse(
            error_code=code, error_message=f"the update of {name} failed: {reason}"
        )
    return UpdateFeaturesResponse(
        error_message=None,
        results=[
            UpdatableFeatureResult(
                feature=name,
                error_code=ErrorCode.NONE if fault is None else fault[0],
                error_message=None if fault is None else fault[1],
            )
            for name, fault in faults.items()
        ],
    )


def _fault(update: FeatureUpdateKey, version: int) -> tuple[ErrorCode, str] | None:
    if version >= 1 and update.upgrade_type not in _UPGRADE_TYPES:
        return ErrorCode.INVALID_UPDATE_VERSION, f"upgrade type {update.upgrade_type} is unknown"
    feature = FEATURES.get(update.feature)
    if feature is None:
        return (
            ErrorCode.INVALID_UPDATE_VERSION,
            f"there is no feature {update.feature}: this broker knows {', '.join(FEATURES) or 'none'}",
        )
    if update.max_version_level != feature.max_level:
        return (
            ErrorCode.INVALID_UPDATE_VERSION,
            f"{update.feature} stays at level {feature.max_level}: "
            "levels follow the broker's version and are not set",
        )
    return None
