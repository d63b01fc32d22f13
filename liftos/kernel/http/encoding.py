"""gzip: decompresses request bodies within their path's limit, and compresses responses."""

import gzip
import re
import zlib
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_sequence, compress_string

from liftos.kernel.errors import LiftosError, TooLarge
from liftos.kernel.http.errors import BadRequest, answer_outside_views
from liftos.kernel.http.middleware import body_limit

# smaller responses hardly shrink
LEAST = 500
# random bytes in a compressed response's header, so that its length reveals less about its content (BREACH)
NOISE = 100
_HELD = 1024 * 1024
_CHUNK = 64 * 1024
_PACKED = ("application/json", "application/problem+json", "application/x-ndjson", "text/")
_REFUSED = re.compile(r"q\s*=\s*0(\.0*)?\s*$")


class UnsupportedEncoding(LiftosError):
    """Unsupported Content-Encoding; send the body uncompressed or with gzip."""

    status = 415


class GunzippedBody:
    """A gzip body as a file; decompressed completely on first read, when the caller is authenticated.

    Raises, on reading:
        BadRequest: the body is not valid gzip, or is truncated.
        TooLarge: it decompresses to more than the limit.
    """

    def __init__(self, packed: Any, limit: int) -> None:
        """Wrap a compressed body; `limit` is the maximum number of decompressed bytes."""
        self._packed, self._limit = packed, limit
        self._unpacked: Any = None

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, by default all."""
        return self._file().read(-1 if size is None else size)

    def readline(self, size: int = -1, /) -> bytes:
        """Return a line."""
        return self._file().readline(-1 if size is None else size)

    def close(self) -> None:
        """Close both files."""
        for each in (self._unpacked, self._packed):
            if each is not None:
                each.close()

    def _file(self) -> Any:
        if self._unpacked is None:
            self._unpacked = self._unpack()
        return self._unpacked

    def _unpack(self) -> Any:
        file = SpooledTemporaryFile(max_size=_HELD)  # noqa: SIM115  closed with the request that holds it
        try:
            with gzip.GzipFile(fileobj=self._packed) as stream:
                while chunk := stream.read(_CHUNK):
                    file.write(chunk)
                    if file.tell() > self._limit:
                        raise TooLarge(f"The request body decompresses to more than {self._limit} bytes.")
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadRequest("The request body is not valid gzip.") from error
        file.seek(0)
        return file


class EncodingMiddleware:
    """Decompresses gzip bodies, answers 415 for other encodings, and compresses responses for callers that accept gzip.

    Admin pages are not compressed: they contain CSRF tokens, new keys and parts of the URL, and another site can make a
    browser request them with its session, so their length could reveal a token (BREACH). The API has no sessions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Handle a request with its body decompressed."""
        encodings = _encodings(request)
        if encodings and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            if encodings not in (["gzip"], ["x-gzip"]):
                refused = answer_outside_views(request.path, UnsupportedEncoding())
                refused["Accept-Encoding"] = "gzip, identity"
                return refused
            # Django has no public way to replace a request's body
            request._stream = GunzippedBody(request._stream, body_limit(request.path))  # type: ignore[assignment]
        response = self.get_response(request)
        if not request.path.startswith("/admin/"):
            _pack(request, response)
        return response


def _encodings(request: HttpRequest) -> list[str]:
    named = [each.strip().lower() for each in request.headers.get("content-encoding", "").split(",")]
    return [each for each in named if each not in ("", "identity")]


def _pack(request: HttpRequest, response: Any) -> None:
    if response.has_header("Content-Encoding") or not _is_packable(response):
        return
    patch_vary_headers(response, ("Accept-Encoding",))
    if not _accepts_gzip(request.headers.get("accept-encoding", "")):
        return
    if isinstance(response, StreamingHttpResponse):
        content: Any = response.streaming_content
        response.streaming_content = compress_sequence(content, max_random_bytes=NOISE)
        del response.headers["Content-Length"]
    else:
        response.content = compress_string(response.content, max_random_bytes=NOISE)
        response["Content-Length"] = str(len(response.content))
    response["Content-Encoding"] = "gzip"


def _is_packable(response: Any) -> bool:
    if response.status_code < 200 or response.status_code in (204, 206, 304):
        return False
    if not response.get("Content-Type", "").startswith(_PACKED):
        return False
    # static files have their own compressed copies, ETags and ranges
    return not isinstance(response, FileResponse) if response.streaming else len(response.content) >= LEAST


def _accepts_gzip(header: str) -> bool:
    wanted: dict[str, bool] = {}
    for each in header.lower().split(","):
        name, _, weight = each.partition(";")
        wanted[name.strip()] = not _REFUSED.search(weight)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", False)))
