"""An S3 bucket as a store, through obstore's synchronous calls.

- Creation is ``If-None-Match: *``. 412 means that the key exists; 409 means that another creation was
  under way, so nobody knows yet: a retryable fault.
- Every PUT carries the id of its series of attempts and a checksum in the object's metadata. A proxy may
  send a request twice, and ``Retrying`` repeats a PUT whose answer was lost: an "exists already" over an
  object that carries our id is our success. One that carries another is somebody else's, for certain.
- Each request is sent once, but for the parts of a stream, which nobody else could repeat: retrying,
  with its waits and limits, is the business of ``Retrying`` around this store.
- A stream larger than ``SINGLE_PUT_BYTES_MAX`` is uploaded in parts, which no client of ours can make
  conditional, and copying it to its key afterwards costs a read and a write of all of it (and radosgw
  refuses copies without a length). So its writer first creates a claim below ``.staging/`` that only one
  can win, looks whether the key exists, uploads, looks again, completes, and gives the claim up.
- obstore's asynchronous API is not used: it aborts the interpreter at exit
  (PyO3/pyo3-async-runtimes#40).

A crash can leave parts or objects below ``.staging/``: give the bucket a lifecycle rule that expires
that prefix and aborts incomplete multipart uploads after a day.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import obstore
from crc32c import crc32c
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store as BucketClient

from anabranch.errors import StoreFault, UserFault
from anabranch.storage.store import (
    AlreadyExists,
    Buffer,
    NotFound,
    ObjectInfo,
    check_key,
)

if TYPE_CHECKING:
    from obstore import GetOptions

_T = TypeVar("_T")

SINGLE_PUT_BYTES_MAX = 16 << 20  # held in memory for one conditional PUT; beyond it, parts
PART_BYTES = 8 << 20  # S3 takes 10,000 parts of at least 5 MiB
PARTS_IN_FLIGHT_MAX = 4  # with PART_BYTES: 32 MiB per streamed object
REQUEST_TIMEOUT_S = 60.0  # a part at 1 Mbit/s would take as long
CONNECT_TIMEOUT_S = 5.0
PART_RETRIES_MAX = 5  # of one part of a stream: a stream cannot be sent again as a whole
DOUBTFUL_MAX = (
    10_000  # creations without an answer that are remembered; one is forgotten sooner or later
)
COMPARE_BYTES = 8 << 20  # read at a time when an object is compared with what was to be written
LIST_PAGE = 1000  # keys per request, S3's maximum

_STAGING = ".staging/"
_PUT_ID = "anabranch-put"
_CHECKSUM = "anabranch-crc32c"
_URL_OPTIONS = ("endpoint", "region")


class S3Store:
    """Objects in a bucket below ``prefix``. Credentials come from ``AWS_*`` unless given."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        writer_id: str | None = None,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        named_region = region
        if region is None and endpoint is not None:
            region = "us-east-1"  # signed with, never routed by, where the endpoint is explicit
        given = {
            "endpoint": endpoint,
            "region": region,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
        }
        options: dict[str, Any] = {
            "prefix": prefix or None,
            "config": {
                **{name: value for name, value in given.items() if value is not None},
            },
            "client_options": {
                "allow_http": (endpoint or "").startswith("http://"),
                "timeout": timedelta(seconds=request_timeout_s),
                "connect_timeout": timedelta(seconds=min(CONNECT_TIMEOUT_S, request_timeout_s)),
            },
        }
        query = {"endpoint": endpoint, "region": named_region}
        self.url = f"s3://{bucket}/{prefix}" + "".join(
            f"{separator}{name}={quote(value, safe=':/')}"
            for separator, (name, value) in zip(
                "?&", [(n, v) for n, v in query.items() if v], strict=False
            )
        )
        self._client = BucketClient(bucket, retry_config={"max_retries": 0}, **options)
        self._client_of_parts = BucketClient(
            bucket, retry_config={"max_retries": PART_RETRIES_MAX}, **options
        )
        self._writer_id = writer_id or uuid4().hex
        self._put_count = itertools.count(1)
        self._lock = Lock()
        self.requests: Counter[str] = Counter()
        """Requests as S3 bills them: PUT (parts and copies too), POST, GET, HEAD, LIST, DELETE."""

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        writer_id: str | None = None,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> S3Store:
        """``s3://bucket/prefix?endpoint=http://host:port&region=name``. Raises ``UserFault``."""
        split = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(split.query).items()}
        unknown = sorted(set(options) - set(_URL_OPTIONS))
        if not split.netloc or unknown:
            raise UserFault(
                f"store URL {url!r}: write s3://bucket/prefix, options are "
                f"{' and '.join(_URL_OPTIONS)}; credentials come from the environment (AWS_*)"
            )
        return cls(
            split.netloc,
            split.path.strip("/"),
            writer_id=writer_id,
            request_timeout_s=request_timeout_s,
            endpoint=options.get("endpoint"),
            region=options.get("region"),
        )

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        check_key(key)
        put_id = put_id or self._new_put_id()
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._put_whole(key, data, create, put_id)
        buffers = iter(data)
        first = bytearray()
        for buffer in buffers:
            first += buffer
            if len(first) > SINGLE_PUT_BYTES_MAX:
                return self._put_parts(
                    key, itertools.chain((bytes(first),), buffers), create, put_id
                )
        return self._put_whole(key, first, create, put_id)

    def _put_whole(self, key: str, content: Buffer, create: bool, put_id: str) -> int:
        checksum = f"{crc32c(content):08x}"
        self._count("PUT")
        try:
            obstore.put(
                self._client,
                key,
                content,
                mode="create" if create else "overwrite",
                use_multipart=False,
                attributes={_PUT_ID: put_id, _CHECKSUM: checksum},
            )
        except AlreadyExistsError as error:
            present = self._attributes(key)
            if present is None:
                raise _conflict(key, self.url) from error
            if (present.get(_PUT_ID), present.get(_CHECKSUM)) != (put_id, checksum):
                raise AlreadyExists(
                    f"{key} exists already in {self.url}", judged=_PUT_ID in present
                ) from None
        except (BaseError, OSError, ValueError) as error:
            raise self._fault(error, f"writing {key}") from error
        return memoryview(content).nbytes

    def _put_parts(self, key: str, buffers: Iterator[Buffer], create: bool, put_id: str) -> int:
        if not create:
            return self._upload(key, buffers, create, put_id)
        claim = f"{_STAGING}{sha256(key.encode()).hexdigest()}.claim"
        try:
            self._put_whole(claim, key.encode(), True, put_id)
        except AlreadyExists:
            raise _conflict(key, self.url) from None
        try:
            self._refuse_present(key)
            return self._upload(key, buffers, create, put_id)
        finally:
            self._count("DELETE")
            try:
                obstore.delete(self._client_of_parts, claim)
            except (BaseError, OSError, ValueError):
                pass  # the bucket's lifecycle rule removes it; what came of the upload matters more

    def _upload(self, key: str, buffers: Iterator[Buffer], create: bool, put_id: str) -> int:
        size = checksum = 0

        def asked(call: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
            try:
                return call(*arguments, **options)
            except (BaseError, OSError, ValueError) as error:
                raise self._fault(error, f"writing {key}") from error

        try:
            # Not `obstore.put` with the iterator: that would run it within obstore's own runtime, where
            # no call of obstore works, and what is streamed here is mostly read from a bucket.
            writer = asked(
                obstore.open_writer,
                self._client_of_parts,
                key,
                buffer_size=PART_BYTES,
                max_concurrency=PARTS_IN_FLIGHT_MAX,
                attributes={_PUT_ID: put_id},
            )
            for buffer in buffers:  # if it breaks, the upload is never completed: nothing to see
                size += memoryview(buffer).nbytes
                checksum = crc32c(buffer, checksum)
                asked(writer.write, buffer)
            if create:
                self._refuse_present(key)
            try:
                asked(writer.close)
            except StoreFault:
                # The completion may have been repeated after it had its effect.
                if not create or not self._is(key, size, checksum):
                    raise
        finally:
            self._count("PUT", -(-size // PART_BYTES))
            self._count("POST", 2)  # start and completion
        return size

    def _refuse_present(self, key: str) -> None:
        if self._attributes(key) is not None:
            raise AlreadyExists(f"{key} exists already in {self.url}", judged=True)

    def _is(self, key: str, size: int, checksum: int) -> bool:
        try:
            return self._holds(key, size, checksum)
        except StoreFault:
            return False

    def _holds(self, key: str, size: int, checksum: int) -> bool:
        """Whether the object's content has this size and CRC-32C."""
        if self.head(key).size != size:
            return False
        found = 0
        for start in range(0, size, COMPARE_BYTES):
            found = crc32c(self.get(key, start, min(COMPARE_BYTES, size - start)), found)
        return found == checksum

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        assert start >= 0 and (length is None or length >= 0)
        check_key(key)
        if length == 0:
            self.head(key)
            return b""
        options: GetOptions = {}
        if length is not None:
            options["range"] = (start, start + length)
        elif start:
            options["range"] = {"offset": start}
        self._count("GET")
        try:
            return bytes(obstore.get(self._client, key, options=options).bytes())
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist in {self.url}") from None
        except (BaseError, OSError, ValueError) as error:
            if _is_past_end(error):
                return b""
            raise self._fault(error, f"reading {key}") from error

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        check_key(key)
        if not all(length for _, length in ranges):  # obstore refuses empty ranges
            return [self.get(key, start, length) for start, length in ranges]
        self._count("GET", len(ranges))  # at most: neighbours are fetched together
        try:
            found = obstore.get_ranges(
                self._client,
                key,
                starts=[start for start, _ in ranges],
                lengths=[length for _, length in ranges],
            )
            return [bytes(data) for data in found]
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist in {self.url}") from None
        except (BaseError, OSError, ValueError) as error:
            if _is_past_end(error):
                return [self.get(key, start, length) for start, length in ranges]
            raise self._fault(error, f"reading {key}") from error

    def head(self, key: str) -> ObjectInfo:
        check_key(key)
        self._count("HEAD")
        try:
            return ObjectInfo(key, obstore.head(self._client, key)["size"])
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist in {self.url}") from None
        except (BaseError, OSError, ValueError) as error:
            raise self._fault(error, f"looking up {key}") from error

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        # obstore lists whole folders. Starting just before the prefix and stopping behind it makes
        # that as cheap as a listing of the prefix.
        folder = prefix[: prefix.rfind("/") + 1]
        start = max(after or "", prefix[:-1] if len(prefix) > len(folder) else "")
        try:
            pages = obstore.list(
                self._client, folder or None, offset=start or None, chunk_size=LIST_PAGE
            )
            self._count("LIST")  # the first page, which may be empty
            for number, page in enumerate(pages):
                self._count("LIST", int(number > 0))
                for item in page:
                    key = item["path"]
                    if key.startswith(prefix):
                        if not key.startswith(_STAGING):
                            yield ObjectInfo(key, item["size"])
                    elif key > prefix:
                        return
        except (BaseError, OSError, ValueError) as error:
            raise self._fault(error, f"listing {prefix!r}") from error

    def delete(self, key: str) -> bool:
        try:
            self.head(key)  # S3 answers a deletion of nothing like any other
        except NotFound:
            return False
        self._count("DELETE")
        try:
            obstore.delete(self._client, key)
        except FileNotFoundError:
            return False
        except (BaseError, OSError, ValueError) as error:
            raise self._fault(error, f"deleting {key}") from error
        return True

    def close(self) -> None:
        pass

    def _new_put_id(self) -> str:
        return f"{self._writer_id}-{next(self._put_count)}"

    def _attributes(self, key: str) -> dict[str, str] | None:
        """The object's metadata; None if there is no object."""
        self._count("HEAD")
        try:
            return dict(obstore.get(self._client, key, options={"head": True}).attributes)
        except FileNotFoundError:
            return None
        except (BaseError, OSError, ValueError) as error:
            raise self._fault(error, f"looking up {key}") from error

    def _count(self, verb: str, requests: int = 1) -> None:
        with self._lock:
            self.requests[verb] += requests

    def _fault(self, error: Exception, doing: str) -> StoreFault:
        """One line for a person: obstore's texts carry several screens of debug output."""
        text = " ".join(str(error).partition("\n\nDebug source:")[0].split())[:400]
        doing = f"{doing} in {self.url}"
        if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
            return StoreFault(
                f"{doing}: access denied; check the AWS_* credentials and the bucket's policy "
                f"({text})",
                retryable=False,
            )
        if "NoSuchBucket" in text:
            return StoreFault(f"{doing}: the bucket does not exist; create it", retryable=False)
        if isinstance(error, (InvalidPathError, NotSupportedError)):
            return StoreFault(f"{doing}: {text}", retryable=False)
        return StoreFault(f"{doing}: {text}")


def _conflict(key: str, url: str) -> StoreFault:
    return StoreFault(f"another creation of {key} in {url} was under way (409)")


def _is_past_end(error: Exception) -> bool:
    return "416 Range Not Satisfiable" in str(error)
