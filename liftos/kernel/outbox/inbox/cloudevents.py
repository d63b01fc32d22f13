"""CloudEvents 1.0 as they arrive over HTTP: structured, binary and in batches. Faults name the attribute.

Source: CloudEvents 1.0.2, and its HTTP protocol binding.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.outbox.catalogue import OWN
from liftos.kernel.outbox.inbox.types import Arrival

Loc = tuple[str | int, ...]

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
MOST_TOGETHER: Final = 100
"""Events in a batch."""
MOST_EXTENSIONS: Final = 20
MOST_IN_EXTENSION: Final = 1_000
JSON_TYPE: Final = "application/json"
PREFIX: Final = "ce-"
OWN_SOURCE: Final = "urn:liftos:"

_NAME = re.compile(r"[a-z0-9]{1,20}")
_TYPE = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_VISIBLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# RFC 3339; a zone is needed
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_KNOWN = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"}
)  # fmt: skip
# the relay gives the sequence, and what caused the event has columns of its own
_TAKEN = frozenset({"sequence", "correlationid", "traceparent"})


def read_event(given: Any, *, loc: Loc, header: bool = False, most_bytes: int | None) -> Arrival:
    """Return an event in the JSON form, or in the same form made of headers and a body.

    Args:
        given: attributes by name, with `data` or `data_base64`.
        loc: where it stands in the request.
        header: whether attributes were headers.
        most_bytes: the maximum of data, as JSON; None for no maximum.

    Raises:
        InvalidRequest: it is not an event that may arrive; each fault names its attribute.
    """
    if not isinstance(given, dict):
        raise InvalidRequest([item("dict_type", loc, "An event should be a JSON object", given)])

    def place(name: str) -> Loc:
        return (
            ("header", f"{PREFIX}{name}") if header and name not in ("data", "data_base64") else (*loc, name)
        )

    faults = [item("event_attribute", place(name), text) for name, text in _faults(given, most_bytes)]
    if faults:
        raise InvalidRequest(faults)
    attributes = {
        name: value
        for name, value in given.items()
        if value is not None
        and (name in ("time", "datacontenttype", "dataschema") or name not in _KNOWN | _TAKEN)
    }
    data = given.get("data")
    if given.get("data_base64") is not None:
        data = given["data_base64"]
        attributes["data_base64"] = True
    return Arrival(
        id=given["id"],
        source=given["source"],
        type=given["type"],
        subject=given.get("subject") or "",
        data=data,
        attributes=attributes,
        correlation_id=given.get("correlationid") or "",
        traceparent=given.get("traceparent") or "",
    )


def from_headers(headers: Mapping[str, str], content_type: str, body: Any, raw: bytes) -> dict[str, Any]:
    """Return an event whose attributes are headers (binary mode) in the JSON form.

    Args:
        headers: the request's.
        content_type: of the data.
        body: the parsed body, if it is JSON or text.
        raw: the body; in base64, if it is neither.
    """
    given: dict[str, Any] = {
        name.lower().removeprefix(PREFIX): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(PREFIX)
    }
    given.pop("data", None)
    if content_type:
        given["datacontenttype"] = content_type
    if not raw:
        return given
    media_type = content_type.partition(";")[0].strip().lower()
    if is_json(media_type) or media_type.startswith("text/"):
        return given | {"data": body}
    return given | {"data_base64": base64.b64encode(raw).decode()}


def is_json(media_type: str) -> bool:
    """Return whether data of a media type is JSON; it is unless another is named."""
    return media_type in ("", JSON_TYPE) or media_type.endswith("+json")


def _faults(given: Mapping[str, Any], most_bytes: int | None) -> Iterator[tuple[str, str]]:
    """Yield the attributes at fault, each with what is wrong."""
    if given.get("specversion") != "1.0":
        yield "specversion", "must be 1.0"
    for name in ("id", "source", "type"):
        if fault := _text_fault(given.get(name), 200):
            yield name, fault
    yield from _own(given)
    if given.get("subject") is not None and (fault := _text_fault(given["subject"], 200)):
        yield "subject", fault
    for name in ("datacontenttype", "dataschema"):
        if given.get(name) is not None and (fault := _text_fault(given[name], 300)):
            yield name, fault
    if given.get("time") is not None and not _is_time(given["time"]):
        yield "time", "must be a time as in RFC 3339, with a time zone"
    for name, pattern in (("correlationid", _CORRELATION_ID), ("traceparent", _TRACEPARENT)):
        value = given.get(name)
        if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
            yield (
                name,
                "must be an id without spaces"
                if name == "correlationid"
                else "must be as in W3C Trace Context",
            )
    yield from _extension_faults(given)
    yield from _data_faults(given, most_bytes)


def _own(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    type_, source = given.get("type"), given.get("source")
    if isinstance(type_, str) and type_:
        if not _TYPE.fullmatch(type_):
            yield "type", "must have at most 100 letters, digits and any of _ . : / -"
        elif type_.lower().startswith(OWN):
            yield "type", f"must not begin with {OWN}, which names the service's own types"
    if isinstance(source, str) and source.lower().startswith(OWN_SOURCE):
        yield "source", f"must not begin with {OWN_SOURCE}, which names the service itself"


def _extension_faults(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    others = [name for name in given if name not in _KNOWN]
    if len(others) > MOST_EXTENSIONS:
        yield others[MOST_EXTENSIONS], f"is one of more than {MOST_EXTENSIONS} extensions"
    for name in others[:MOST_EXTENSIONS]:
        value = given[name]
        if not _NAME.fullmatch(name):
            yield name[:50], "is not the name of an attribute: 1 to 20 lower-case letters and digits"
        elif name in _TAKEN or value is None:
            continue
        elif not isinstance(value, str | bool | int) or (isinstance(value, int) and abs(value) >= 2**31):
            yield name, "must be a text, a boolean or an integer of 32 bits"
        elif isinstance(value, str) and (fault := _text_fault(value, MOST_IN_EXTENSION)):
            yield name, fault


def _data_faults(given: Mapping[str, Any], most_bytes: int | None) -> Iterator[tuple[str, str]]:
    encoded = given.get("data_base64")
    if encoded is not None:
        if given.get("data") is not None:
            yield "data_base64", "excludes data"
        if not isinstance(encoded, str) or not _is_base64(encoded):
            yield "data_base64", "must be base64"
    if most_bytes is not None:
        data = given.get("data") if encoded is None else encoded
        if len(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")) > most_bytes:
            yield "data" if encoded is None else "data_base64", f"must have at most {most_bytes} bytes"


def _text_fault(value: Any, most: int) -> str:
    if not isinstance(value, str) or not value:
        return "must be a text that is not empty"
    if len(value) > most:
        return f"must have at most {most} characters"
    return "" if _VISIBLE.fullmatch(value) else "must have no control characters"


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
