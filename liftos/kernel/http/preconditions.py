"""ETags of versioned resources, If-Match and If-None-Match (RFC 9110, 13.1.1 and 13.1.2)."""

import re

from django.http import HttpRequest
from django.utils.http import parse_etags

from liftos.kernel.errors import LiftosError

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*')


class PreconditionRequired(LiftosError):
    """An If-Match header must name the version to be changed."""

    status = 428


class PreconditionFailed(LiftosError):
    """The resource is not at the version named by the If-Match header."""

    status = 412


class InvalidIfMatch(LiftosError):
    """The If-Match header is not a list of quoted tags."""

    status = 400


def etag_of(version: int) -> str:
    """Return a version as an ETag."""
    return f'"{version}"'


def if_match(request: HttpRequest, *, required: bool = False) -> int | None:
    """Return the version that a request may change, or None for any.

    Raises:
        PreconditionRequired: If-Match is missing but required.
        PreconditionFailed: none of its tags can be a version.
        InvalidIfMatch: it is malformed or names several versions.
    """
    header = request.headers.get("if-match", "").strip()
    if not header:
        if required:
            raise PreconditionRequired(loc=("header", "if-match"))
        return None
    if header == "*":
        return None
    tags = [_TAG.fullmatch(part) for part in header.split(",")]
    if not all(tags):
        raise InvalidIfMatch(loc=("header", "if-match"))
    # weak tags never match; we issue only numbers
    versions = {
        int(tag[2])
        for tag in tags
        if tag and not tag[1] and tag[2].isascii() and tag[2].isdigit() and len(tag[2]) < 10
    }
    if len(versions) > 1:
        raise InvalidIfMatch("The If-Match header must name one version.", loc=("header", "if-match"))
    if not versions:
        raise PreconditionFailed(loc=("header", "if-match"))
    return versions.pop()


def is_held(request: HttpRequest, etag: str) -> bool:
    """Return whether If-None-Match contains this version; strong and weak tags are equivalent."""
    tags = parse_etags(request.headers.get("if-none-match", "").strip())
    return "*" in tags or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
