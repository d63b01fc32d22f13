"""The export format: a header line, then one memory per line.

A line has the fields of `POST /api/v1/memories/bulk`, and fields accepted only from an operator's import: id, vector, trust state,
successor, actor, time, version, and all earlier versions with the changes that ended them. A file without a header can have only the
former, because the organisation of its ids would be unknown.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import Field

from liftos.kernel.embedding.text import unit_rows
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.http.parsing import InvalidRequest, item, parse_json, validate
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.analysis.values import is_blank
from memory.bulk.lines import check_vector
from memory.index.given_vectors import GivenVectors
from memory.inputs import ExportedContent, LineIn, MemoryIn, content_fields
from memory.transfer.history_format import ActorLine, KnownState, MarkLine, VersionLine, check_past
from memory.transfer.parts import DocumentLine, TurnLine
from memory.types import MAX_CONTENT, LinkDraft, MemoryDraft, Past, PastVersion, TrustState

KIND = "liftos.memories"
VERSION = 3
MAX_VERSIONS = 100_000


class Header(Strict):
    """The first line of an export."""

    liftos: str = Field(pattern=f"^{KIND.replace('.', chr(92) + '.')}$")
    version: int = Field(ge=1, le=VERSION)
    organisation: UUID
    model: str = ""
    model_version: str = ""
    dimension: int = 0
    exported_at: Moment


class ImportLine(LineIn):
    """A memory with its past; exported memories may be blank."""

    content: ExportedContent
    state: KnownState = "active"
    version: int = Field(default=1, ge=1, le=MAX_VERSIONS)
    changed_at: Moment | None = None
    actor: ActorLine | None = None
    owner: str = Field(default="", max_length=200)
    documents: list[DocumentLine] = Field(default_factory=list, max_length=MAX_VERSIONS)
    turn: TurnLine | None = None
    history: list[VersionLine] = Field(default_factory=list, max_length=MAX_VERSIONS)
    layout: list[MarkLine] = Field(default_factory=list, max_length=MAX_CONTENT)


OF_EXPORTS = frozenset(ImportLine.model_fields) - frozenset(MemoryIn.model_fields)


@dataclass(frozen=True, slots=True)
class Imported:
    """A parsed line: the draft, the id of its successor, and its links by id, whose targets may come later."""

    draft: MemoryDraft
    superseded_by: UUID | None
    links: tuple[LinkDraft, ...] = ()


def header_of(line: bytes | str) -> Header | None:
    """Parse a first line as a header; return None if it is not one.

    Raises:
        InvalidRequest: a header of another kind or a later version.
    """
    try:
        value = parse_json(line)
    except InvalidRequest:
        return None  # reported when parsed as a memory
    if not isinstance(value, dict) or "liftos" not in value:
        return None
    version = value.get("version")
    if value["liftos"] == KIND and type(version) is int and version > VERSION:
        message = f"Format version {version} is of a later version; up to {VERSION} is supported"
        raise InvalidRequest([item("format", ("body", "version"), message, version)])
    return validate(Header, value)


def read_memory(
    line: bytes | str, *, header: Header | None, organisation: UUID, given: GivenVectors | None
) -> Imported:
    """Parse a line.

    Args:
        line: JSON.
        header: the export's header, if any.
        organisation: the importing organisation.
        given: the vectors that the organisation takes; an export's of other models are ignored and computed again.

    Raises:
        InvalidRequest: with the invalid fields.
    """
    value = parse_json(line)
    _check_place(value, header)
    read = validate(ImportLine, value)
    draft = read.draft()
    check_past(
        version=read.version,
        history=read.history,
        recorded_at=read.recorded_at,
        changed_at=read.changed_at,
    )
    check_vector(draft, given)
    model = given.model if given else None
    same_model = (
        header is not None
        and model is not None
        and (header.model, header.model_version) == (model.name, model.version)
    )
    of = model if same_model else None
    if read.vector is not None and of is not None:
        draft = replace(draft, embedding=_vector(read.vector, of.dimension), embedding_model=of.name)
    if header is None or read.id is None:
        if is_blank(draft.content):
            message = "String should have at least one visible character"
            raise InvalidRequest([item("string_blank", ("body", "content"), message, draft.content[:200])])
        return Imported(draft, None)

    def own(memory: UUID) -> UUID:
        return id_in(organisation, header.organisation, memory)

    past = Past(
        id=own(read.id),
        recorded_at=read.recorded_at,
        state=TrustState(read.state),
        version=read.version,
        changed_at=read.changed_at,
        actor=read.actor.actor() if read.actor else None,
        owner=read.owner,
        documents=tuple(each.part() for each in read.documents),
        turn=read.turn.part() if read.turn else None,
        history=tuple(_version(each, own, of) for each in read.history),
    )
    by_id = tuple(replace(link, target=own(link.target)) for link in draft.links if link.target is not None)
    draft = replace(
        draft,
        past=past,
        derived_from=tuple(own(each) for each in draft.derived_from),
        links=tuple(link for link in draft.links if link.target is None),
        layout=tuple(each.mark() for each in read.layout),
    )
    return Imported(draft, own(read.superseded_by) if read.superseded_by else None, by_id)


def _check_place(value: Any, header: Header | None) -> None:
    """Refuse headers after the first line, and fields of exports in files without a header."""
    if not isinstance(value, dict):
        return
    if "liftos" in value:
        raise InvalidRequest([item("header", ("body", "liftos"), "A header must be the first line")])
    said = sorted(OF_EXPORTS.intersection(value))
    if said and header is None:
        message = "This field is allowed only in exports, but the file has no header"
        raise InvalidRequest([item("header", ("body", name), message) for name in said])
    if said and "id" not in value:
        raise InvalidRequest([item("missing", ("body", "id"), "Field required with fields of an export")])


def _version(read: VersionLine, own: Callable[[UUID], UUID], of: ModelInfo | None) -> PastVersion:
    fields = read.model_dump(
        exclude={"actor", "content", "superseded_by", "vector", "layout", "tags", "state"}
    )
    return PastVersion(
        **fields,
        **content_fields(read.content),
        tags=tuple(read.tags),
        state=TrustState(read.state),
        superseded_by=own(read.superseded_by) if read.superseded_by else None,
        actor=read.actor.actor(),
        vector=_vector(read.vector, of.dimension) if read.vector is not None and of else None,
        vector_model=of.name if of else "",
        layout=tuple(each.mark() for each in read.layout),
    )


def id_in(organisation: UUID, origin: UUID, memory: UUID) -> UUID:
    """Return a memory's id in an organisation: unchanged in its own, otherwise derived from it.

    Ids are unique in an installation, so a copy in another organisation needs another. It is deterministic, so that an import can
    be repeated, and preserves order: it keeps the time, the start of the counter that version 7 ids of one millisecond have, and the
    20 bits of it that change; 42 bits are hashed.
    """
    if organisation == origin:
        return memory
    mixed = int.from_bytes(sha256(organisation.bytes + memory.bytes).digest()[:6]) >> 6
    start = memory.int >> 64 & ~0xF000 | 0x7000
    count = memory.int >> 32 & 0xFFFFF
    return UUID(int=start << 64 | 0b10 << 62 | count << 42 | mixed)


def pack_vector(vector: np.ndarray) -> str:
    """Encode a vector as base64 of little-endian 16-bit floats, the database's precision."""
    return base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode()


def line_of(memory: dict[str, Any]) -> dict[str, Any]:
    """Return a memory without fields that have their default value."""
    defaults: dict[str, Any] = {
        "metadata": {}, "memory_type": "general", "source": "", "external_id": None, "tags": [], "importance": 0.5,
        "links": [], "derived_from": [], "thread": "", "valid_from": None, "valid_to": None, "expires_at": None,
        "superseded_by": None, "vector": None, "state": "active", "history": [], "reason": "", "layout": [],
        "visible_to": "organisation", "index": True, "owner": "",
    }  # fmt: skip
    return {name: value for name, value in memory.items() if name not in defaults or value != defaults[name]}


def _vector(text: str, dimension: int) -> np.ndarray:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest([item("base64", ("body", "vector"), "Not base64")]) from error
    if len(data) != 2 * dimension:
        raise InvalidRequest([item("dimension", ("body", "vector"), f"Not {dimension} 16-bit floats")])
    vector = np.frombuffer(data, dtype="<f2").astype(np.float32)
    if not np.isfinite(vector).all() or not vector.any():
        raise InvalidRequest(
            [item("finite_number", ("body", "vector"), "Must contain finite numbers that are not all 0")]
        )
    length = float(np.linalg.norm(vector))
    # exported vectors have unit length up to rounding; keep them unchanged
    return vector if abs(length - 1) < 0.01 else unit_rows(vector[np.newaxis])[0]
