"""ApiVersions (18), versions 0 to 4: exactly what is served, by the dispatch table.

One exception: Produce is listed from version 0, although its versions 0 to 2 are refused, because
librdkafka otherwise turns compression off (KAFKA-18659). A version above ours is answered with
UNSUPPORTED_VERSION in the format of version 0 (the dispatcher does that), and the response header never
has tagged fields (KIP-511). From v3 the features of :mod:`anabranch.broker.features` are listed; a client
below v4 cannot read a supported range that begins at 0, so it is not told of those (KAFKA-17011). From v3 a
client's name that breaks KIP-511's rules is INVALID_REQUEST.
"""

from __future__ import annotations

import re

from anabranch.broker.api import a00_produce
from anabranch.broker.context import Context
from anabranch.broker.features import EPOCH, FEATURES
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m18_api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

KEY = 18
MIN = 0
MAX = 4

PRODUCE_MIN_LISTED = 0

_SOFTWARE_SINCE = 3
_LEVEL_ZERO_SINCE = 4
_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(context: Context, request: ApiVersionsRequest) -> ApiVersionsResponse:
    if context.version >= _SOFTWARE_SINCE and not (
        _SOFTWARE.fullmatch(request.client_software_name)
        and _SOFTWARE.fullmatch(request.client_software_version)
    ):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(
                api_key=api.key,
                min_version=PRODUCE_MIN_LISTED if api.key == a00_produce.KEY else api.min_version,
                max_version=api.max_version,
            )
            for api in context.broker.apis.values()
        ],
        supported_features=[
            SupportedFeatureKey(
                name=name, min_version=feature.min_level, max_version=feature.max_level
            )
            for name, feature in FEATURES.items()
            if feature.min_level > 0 or context.version >= _LEVEL_ZERO_SINCE
        ],
        finalized_features_epoch=EPOCH,
        finalized_features=[
            FinalizedFeatureKey(
                name=name,
                max_version_level=feature.max_level,
                min_version_level=feature.max_level,
            )
            for name, feature in FEATURES.items()
        ],
    )
