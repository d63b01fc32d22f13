"""ETags of versioned resources, If-Match and If-None-Match (RFC 9110, 13.1.1 and 13.1.2)."""

import hashlib
import json
import re
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags

from liftos.kernel.errors import LiftosError

_ISSUED = re.compile(r"([0-9]{1,9})(-[0-9a-f]{16})?")
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


def etag_of(version: int, attached: Any = None) -> str:
    """Return a version as an ETag.

    Args:
        version: the resource's.
        attached: JSON-ready parts of its representation that change without a new version. They are part of the ETag unless
            empty, and don't count for If-Match.
    """
    if not attached:
        return f'"{version}"'
    digest = hashlib.sha256(json.dumps(attached, sort_keys=True).encode()).hexdigest()
    return f'"{version}-{digest[:16]}"'


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
    # weak tags never match
    issued = [_ISSUED.fullmatch(tag[2]) for tag in tags if tag and not tag[1]]
    versions = {int(tag[1]) for tag in issued if tag}
    if len(versions) > 1:
        raise InvalidIfMatch("The If-Match header must name one version.", loc=("header", "if-match"))
    if not versions:
        raise PreconditionFailed(loc=("header", "if-match"))
    return versions.pop()


def is_held(request: HttpRequest, etag: str) -> bool:
    """Return whether If-None-Match contains this version; strong and weak tags are equivalent."""
    tags = parse_etags(request.headers.get("if-none-match", "").strip())
    return "*" in tags or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
