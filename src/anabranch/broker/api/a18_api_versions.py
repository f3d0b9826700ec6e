"""ApiVersions (18), versions 0 to 4: exactly what is served, by the dispatch table.

One exception: Produce is listed from version 0, although its versions 0 to 2 are refused, because
librdkafka otherwise turns compression off (KAFKA-18659). A version above ours is answered with
UNSUPPORTED_VERSION in the format of version 0 (the dispatcher does that), and the response header never
has tagged fields (KIP-511). No features are finalized: without ``transaction.version`` clients stay
with the first transaction protocol (KIP-890). From v3 a client's name that breaks KIP-511's rules is
INVALID_REQUEST.
"""

from __future__ import annotations

import re

from anabranch.broker.api import a00_produce
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m18_api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
)

KEY = 18
MIN = 0
MAX = 4

PRODUCE_MIN_LISTED = 0

_SOFTWARE_SINCE = 3
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
        ]
    )
