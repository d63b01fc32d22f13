"""Bodies that are compressed: requests are unpacked, within the limit of their path; answers are packed for who asks."""

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

# below this a packed answer is hardly smaller
LEAST = 500
# bytes of noise in a packed answer's header, so that its length says less of what is in it
NOISE = 100
_HELD = 1024 * 1024
_CHUNK = 64 * 1024
_PACKED = ("application/json", "application/problem+json", "application/x-ndjson", "text/")
_REFUSED = re.compile(r"q\s*=\s*0(\.0*)?\s*$")


class UnsupportedEncoding(LiftosError):
    """A body may be sent as it is or with Content-Encoding: gzip."""

    code = "liftos.unsupported_encoding"
    status = 415


class GunzippedBody:
    """A gzip body as the file of bytes that it holds; unpacked as a whole when it is first read, by then the caller is known.

    Raises, on reading:
        BadRequest: it is no gzip, or ends too early.
        TooLarge: it unpacks to more than the limit.
    """

    def __init__(self, packed: Any, limit: int) -> None:
        """Take the packed bytes, and how many there may be unpacked."""
        self._packed, self._limit = packed, limit
        self._unpacked: Any = None

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, by default all that are left."""
        return self._file().read(-1 if size is None else size)

    def readline(self, size: int = -1, /) -> bytes:
        """Return a line."""
        return self._file().readline(-1 if size is None else size)

    def close(self) -> None:
        """Let go of what was unpacked, and of what it came from."""
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
                        raise TooLarge(f"The request body unpacks to more than {self._limit} bytes.")
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BadRequest("The request body is not valid gzip.") from error
        file.seek(0)
        return file


class EncodingMiddleware:
    """Unpacks gzip bodies, answers 415 for other encodings, and packs answers for callers that accept gzip.

    Not packed are the admin's pages: they have CSRF tokens, a new key once, and what the address says, by a session that
    another site can make a browser use. From their length a token could be guessed (BREACH). The API has no such session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Serve a request by its unpacked body."""
        encodings = _encodings(request)
        if encodings and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            if encodings not in (["gzip"], ["x-gzip"]):
                refused = answer_outside_views(request.path, UnsupportedEncoding())
                refused["Accept-Encoding"] = "gzip, identity"
                return refused
            # the stream's own attribute: Django has no other way to hand a view another body
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
    # files (the static ones) have their own packed copies, ETags and ranges
    return not isinstance(response, FileResponse) if response.streaming else len(response.content) >= LEAST


def _accepts_gzip(header: str) -> bool:
    wanted: dict[str, bool] = {}
    for each in header.lower().split(","):
        name, _, weight = each.partition(";")
        wanted[name.strip()] = not _REFUSED.search(weight)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", False)))
