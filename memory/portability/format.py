"""The form of an export: a first line that says what it is, then a memory a line.

A line is what `POST /api/v1/memories/bulk` takes, and beside that what an import by an operator can keep: id, when it was recorded,
trust state, its successor, and its vector. So an export can be read by either.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import Field

from liftos.api.parsing import InvalidRequest, item, parse_json, validate
from liftos.api.strict import Strict
from liftos.api.times import Moment
from liftos.embedding.text import unit_rows
from liftos.embedding.types import ModelInfo
from memory.api.schemas import LineIn
from memory.types import MemoryDraft, Past, TrustState

KIND = "liftos.memories"
VERSION = 1


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
    """A memory with its past."""

    state: TrustState = TrustState.ACTIVE


@dataclass(frozen=True, slots=True)
class Imported:
    """A line, read: the draft, and the id of the memory that took its place."""

    draft: MemoryDraft
    superseded_by: UUID | None


def header_of(line: bytes | str) -> Header | None:
    """Return a first line as a header, None if it is a memory already.

    Raises:
        InvalidRequest: it is a header of another kind or a later version.
    """
    try:
        value = parse_json(line)
    except InvalidRequest:
        return None  # its own line says so
    if not isinstance(value, dict) or "liftos" not in value:
        return None
    return validate(Header, value)


def read_memory(
    line: bytes | str, *, header: Header | None, organisation: UUID, model: ModelInfo | None
) -> Imported:
    """Return a line as a draft.

    Args:
        line: JSON.
        header: of its export, if it has one.
        organisation: into which it goes.
        model: the active one; a vector of another is left out, to be made anew.

    Raises:
        InvalidRequest: naming the fields at fault.
    """
    read = validate(ImportLine, parse_json(line))
    draft = read.draft()
    if read.recorded_at is not None and read.recorded_at > datetime.now(read.recorded_at.tzinfo):
        raise InvalidRequest([item("date_past", ("body", "recorded_at"), "Must not lie in the future")])
    if draft.embedding is not None and model is not None and len(draft.embedding) != model.dimension:
        message = f"The active embedding model has {model.dimension} dimensions"
        raise InvalidRequest([item("dimension", ("body", "embedding"), message, len(draft.embedding))])
    same_model = (
        header is not None
        and model is not None
        and (header.model, header.model_version) == (model.name, model.version)
    )
    if read.vector is not None and same_model and model is not None:
        draft = replace(draft, embedding=_vector(read.vector, model.dimension))
    origin = header.organisation if header else organisation
    if read.id is not None:
        state = TrustState.ACTIVE if read.state is TrustState.ERASED else read.state
        past = Past(id_in(organisation, origin, read.id), read.recorded_at, state)
        sources = tuple(id_in(organisation, origin, each) for each in draft.derived_from)
        draft = replace(draft, past=past, derived_from=sources)
    successor = id_in(organisation, origin, read.superseded_by) if read.superseded_by else None
    return Imported(draft, successor)


def id_in(organisation: UUID, origin: UUID, memory: UUID) -> UUID:
    """Return a memory's id in an organisation: its own where it comes from there, else one made from it.

    Ids are unique on an installation, so a copy in another organisation needs another. It is the same each time, so that an
    import can be repeated, and keeps the time that its version 7 begins with, so that the order stays.
    """
    if organisation == origin:
        return memory
    mixed = sha256(organisation.bytes + memory.bytes).digest()
    low = bytearray(memory.bytes[:6] + mixed[:10])
    low[6] = 0x70 | (low[6] & 0x0F)
    low[8] = 0x80 | (low[8] & 0x3F)
    return UUID(bytes=bytes(low))


def pack_vector(vector: np.ndarray) -> str:
    """Return a vector as base64 of its little-endian 16-bit floats, which is what the database holds."""
    return base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode()


def line_of(memory: dict[str, Any]) -> dict[str, Any]:
    """Return a memory without what has its default value."""
    defaults: dict[str, Any] = {
        "metadata": {}, "memory_type": "general", "source": "", "external_id": None, "tags": [], "importance": 0.5,
        "links": [], "derived_from": [], "thread": "", "valid_from": None, "valid_to": None, "expires_at": None,
        "superseded_by": None, "vector": None, "state": "active",
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
        raise InvalidRequest([item("finite_number", ("body", "vector"), "Not finite numbers, or only 0")])
    length = float(np.linalg.norm(vector))
    # a vector of ours has unit length but for rounding, which is kept so that it is stored as it was
    return vector if abs(length - 1) < 0.01 else unit_rows(vector[np.newaxis])[0]
