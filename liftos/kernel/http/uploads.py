"""Uploaded files: a multipart body with one file, or a body that is the file."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from liftos.kernel.errors import TooLarge
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.suggestions import unknown

MAX_NAME = 300
# sent by clients that were told nothing about the body
_UNSPECIFIC = frozenset({"application/x-www-form-urlencoded", "application/octet-stream"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent.

    Attributes:
        content: all of it.
        name: without directories; "" if the body is the file.
        media_type: in lower case, without parameters; "" if unspecific.
        charset: as declared; "" if it is not.
        fields: the other parts of a multipart body.
    """

    content: bytes
    name: str
    media_type: str
    charset: str
    fields: dict[str, str]


def read_upload(request: HttpRequest, *, fields: Collection[str], most: int) -> Sent:
    """Return the file of a request: the part `file` of a multipart body, or else the body.

    Args:
        request: not read yet.
        fields: names of the other parts that are allowed.
        most: size limit of the file in bytes.

    Raises:
        InvalidRequest: no file, several, unknown parts, or not a multipart body.
        TooLarge: the file exceeds `most`.
    """
    if request.content_type == "multipart/form-data":
        return _from_parts(request, fields, most)
    content = request.body
    if len(content) > most:
        raise _too_large(most)
    if not content:
        raise InvalidRequest([item("missing", ("body", "file"), "Field required")])
    media_type = (request.content_type or "").lower()
    charset = (request.content_params or {}).get("charset", "")
    return Sent(content, "", "" if media_type in _UNSPECIFIC else media_type, charset, {})


def _from_parts(request: HttpRequest, fields: Collection[str], most: int) -> Sent:
    try:
        parts, files = request.POST, request.FILES
    except (MultiPartParserError, SuspiciousOperation, UnicodeDecodeError, ValueError) as error:
        raise InvalidRequest([item("multipart_invalid", ("body",), "Not a valid multipart body")]) from error
    items = []
    known = ("file", *fields)
    for name in {*parts, *files}:
        if name not in known or (name in files) != (name == "file"):
            message = (
                "Send it as a file, with a file name" if name == "file" else unknown("field", name, known)
            )
            items.append(item("extra_forbidden", ("body", name), message))
        elif len(files.getlist(name) or parts.getlist(name)) > 1:
            items.append(item("repeated_field", ("body", name), "Give it once"))
    file = files.get("file")
    if items:
        raise InvalidRequest(items)
    if not isinstance(file, UploadedFile):
        raise InvalidRequest([item("missing", ("body", "file"), "Field required")])
    if (file.size or 0) > most:
        raise _too_large(most)
    media_type = (file.content_type or "").lower()
    charset = (file.content_type_extra or {}).get("charset", b"")
    return Sent(
        content=file.read(),
        name=_UNPRINTABLE.sub("", file.name or "")[-MAX_NAME:],
        media_type="" if media_type in _UNSPECIFIC else media_type,
        charset=charset.decode("ascii", "ignore") if isinstance(charset, bytes) else charset,
        fields={name: text for name, text in parts.items() if isinstance(text, str)},
    )


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The file is larger than {most} bytes.", loc=("file",))
