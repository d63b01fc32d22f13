"""Memories as callers write them: over HTTP, in workflow steps and in import files."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from math import isfinite
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import numpy as np
from django.utils import timezone
from pydantic import (
    AfterValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from liftos.kernel.embedding.text import unit_rows
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment, not_before
from memory.analysis.attributes import MAX_KEY, too_long_key
from memory.analysis.values import is_blank
from memory.types import (
    LINK_KIND,
    MAX_CONTENT,
    MAX_LINK_KIND,
    ORGANISATION,
    LinkDraft,
    MemoryDraft,
    TrustState,
    VisibleTo,
    text_of,
)

MAX_TTL = 864_000_000  # ten thousand days, in seconds

REQUESTED_STATE = "The requested trust state; granted as far as the key's scopes allow, never refused."


def _direction(values: list[float]) -> list[float]:
    if not any(values) or not all(map(isfinite, values)):
        raise ValueError("must contain finite numbers that are not all 0")
    return values


Embedding = Annotated[list[float], Field(min_length=1, max_length=16_000), AfterValidator(_direction)]


def not_blank(text: str) -> str:
    """Return a text that has a visible character."""
    if is_blank(text):
        raise PydanticCustomError("string_blank", "String should have at least one visible character")
    return text


Text = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(not_blank)]
"""A text that is not blank."""


def _short_enough(content: dict[str, Any]) -> dict[str, Any]:
    if len(text_of(content)) > MAX_CONTENT:
        raise PydanticCustomError(
            "object_too_long",
            "An object should have at most {most} characters as JSON",
            {"most": MAX_CONTENT},
        )
    return content


ObjectContent = Annotated[dict[str, Any], AfterValidator(_short_enough)]
"""An object as content, stored as its JSON."""


def _or_object(content: Any, as_text: ValidatorFunctionWrapHandler) -> Any:
    return _short_enough(content) if isinstance(content, dict) else as_text(content)


OR_OBJECT = WrapValidator(_or_object)
"""Accepts an object too, where a text is expected."""
_TEXT_OR_OBJECT = WithJsonSchema(
    {"anyOf": [{"type": "string", "maxLength": MAX_CONTENT}, {"type": "object"}]}
)
Content = Annotated[Text, OR_OBJECT, _TEXT_OR_OBJECT]
"""The content of a memory, a text that is not blank or an object; native routes accept no other."""
ExportedContent = Annotated[str, Field(max_length=MAX_CONTENT), OR_OBJECT, _TEXT_OR_OBJECT]
"""The content of an exported memory, which may be blank."""


def _filterable(metadata: dict[str, Any]) -> dict[str, Any]:
    key = too_long_key(metadata)
    if key is not None:
        raise PydanticCustomError(
            "key_too_long",
            "Keys, including their path, should have at most {most} characters; too long: {key}…",
            {"most": MAX_KEY, "key": key[:50]},
        )
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_filterable)]
"""Metadata whose keys are short enough to filter on."""

Reason = Annotated[str, Field(max_length=2_000)]


Name = Annotated[str, Field(min_length=1, max_length=200)]


class GroupsIn(Strict):
    """The members of any of some groups, by names or ids."""

    groups: list[Name] = Field(min_length=1, max_length=100)


class PrincipalIn(Strict):
    """One principal, by name or id."""

    principal: Name


VisibleToIn = Literal["organisation"] | GroupsIn | PrincipalIn
"""Who may see a memory."""


def visible_to_of(given: VisibleToIn | None) -> VisibleTo | None:
    """Return a parsed `visible_to`; None if it was not given."""
    if isinstance(given, GroupsIn):
        return VisibleTo(groups=tuple(dict.fromkeys(given.groups)))
    if isinstance(given, PrincipalIn):
        return VisibleTo(principal=given.principal)
    return ORGANISATION if given else None


MAX_PROPERTIES_BYTES = 8_192


def _named_kind(kind: str) -> str:
    if not re.fullmatch(LINK_KIND, kind):
        raise PydanticCustomError(
            "link_kind",
            "A kind has lower-case letters and digits, in words joined by _, - or ., and starts with a letter",
        )
    return kind


def kind_names(text: str) -> str:
    """Check a comma-separated list of kinds of links, empty for all."""
    for each in text.split(",") if text else ():
        if len(each) > MAX_LINK_KIND or not re.fullmatch(LINK_KIND, each):
            raise PydanticCustomError("link_kind", "must be a comma-separated list of kinds of links")
    return text


LinkKindName = Annotated[str, Field(max_length=MAX_LINK_KIND), AfterValidator(_named_kind)]
"""The kind of a link: follows, supports, contradicts, derived_from, about, or one's own."""


def _bounded(properties: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(properties, ensure_ascii=False).encode()) > MAX_PROPERTIES_BYTES:
        raise PydanticCustomError(
            "properties_too_long",
            "Properties should have at most {most} bytes as JSON",
            {"most": MAX_PROPERTIES_BYTES},
        )
    return properties


class LinkTarget(Strict):
    """The kind and the target of a link: an external id, by default of the memory's own source, or a memory's id."""

    kind: LinkKindName
    external_id: str | None = Field(default=None, min_length=1, max_length=300)
    source: str | None = Field(default=None, max_length=100)
    target: UUID | None = None

    @model_validator(mode="after")
    def check_target(self) -> Self:
        """Require one target."""
        if self.external_id is None and self.target is None:
            raise PydanticCustomError("link_target", "external_id or target is required")
        if self.external_id is not None and self.target is not None:
            raise PydanticCustomError("link_target", "external_id and target can't be combined")
        if self.source is not None and self.external_id is None:
            raise PydanticCustomError("link_target", "source is the source of external_id, which is missing")
        return self

    def draft(self) -> LinkDraft:
        """Return the link."""
        return LinkDraft(
            kind=self.kind, external_id=self.external_id or "", source=self.source, target=self.target
        )


class LinkIn(LinkTarget):
    """A link. The memory with the external id may be stored later; one named by `target` must exist."""

    weight: float = Field(default=1.0, ge=0, le=1)
    properties: Annotated[dict[str, Any], AfterValidator(_bounded)] = Field(default_factory=dict)
    valid_from: Moment | None = None
    valid_to: Moment | None = None

    _in_order = not_before("valid_to", "valid_from")

    def draft(self) -> LinkDraft:
        """Return the draft."""
        return replace(
            super().draft(),
            weight=self.weight,
            properties=self.properties,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class MemoryIn(Strict):
    """A memory to store."""

    content: Content
    index: bool = Field(
        default=True, description="false to keep and list the memory, but never find it by a search"
    )
    metadata: Metadata | None = None
    memory_type: str = Field(default="general", max_length=100)
    source: str = Field(default="", max_length=100)
    external_id: str | None = Field(default=None, max_length=300)
    tags: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    importance: float = Field(default=0.5, ge=0, le=1)
    links: list[LinkIn] = Field(default_factory=list, max_length=1_000)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    embedding: Embedding | None = None
    embedding_model: str | None = Field(
        default=None, max_length=300, description="the name of the model that made `embedding`"
    )
    thread: str = Field(default="", max_length=300)
    derived_from: list[UUID] = Field(default_factory=list, max_length=100)
    expires_at: Moment | None = None
    ttl_seconds: float | None = Field(default=None, gt=0, le=MAX_TTL)
    visible_to: VisibleToIn | None = None
    state: Any = Field(default=None, description=REQUESTED_STATE)
    trust: Any = Field(default=None, description=REQUESTED_STATE)

    _in_order = not_before("valid_to", "valid_from")

    @model_validator(mode="after")
    def check_expiry(self) -> "MemoryIn":
        """Refuse two expiry times."""
        if self.expires_at and self.ttl_seconds:
            raise ValueError("expires_at and ttl_seconds can't be combined")
        return self

    @model_validator(mode="after")
    def check_vector(self) -> "MemoryIn":
        """Refuse the name of a model without its vector."""
        if self.embedding_model and self.embedding is None:
            raise ValueError("embedding_model is the model of `embedding`, which is missing")
        if self.embedding is not None and not self.index:
            raise ValueError("embedding can't be combined with index: false, which keeps no vector")
        return self

    def draft(self) -> MemoryDraft:
        """Return the draft; a given vector is scaled to unit length."""
        vector = None
        if self.embedding is not None:
            wide = np.asarray(self.embedding)
            # scale to at most 1 first, because squares of large numbers overflow
            vector = unit_rows((wide / np.abs(wide).max())[np.newaxis])[0]
        return MemoryDraft(
            **content_fields(self.content),
            index=self.index,
            metadata=self.metadata or {},
            memory_type=self.memory_type,
            source=self.source,
            external_id=self.external_id or "",
            tags=tuple(self.tags),
            importance=self.importance,
            links=tuple(link.draft() for link in self.links),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            embedding=vector,
            embedding_model=self.embedding_model or "",
            thread=self.thread,
            derived_from=tuple(dict.fromkeys(self.derived_from)),
            expires_at=self.expires_at
            or (timezone.now() + timedelta(seconds=self.ttl_seconds) if self.ttl_seconds else None),
            requested_state=requested_state_of(self.state, self.trust),
            visible_to=visible_to_of(self.visible_to),
        )


class LineIn(MemoryIn):
    """A line of a bulk store. Accepts the fields of export lines, but only imports keep those about the past."""

    id: UUID | None = None
    recorded_at: Moment | None = None
    superseded_by: UUID | None = None
    vector: str | None = None
    version: Any = None
    changed_at: Any = None
    actor: Any = None
    owner: Any = None
    documents: Any = None
    turn: Any = None
    history: Any = None


class Supersession(MemoryIn):
    """The successor of a memory, and the reason."""

    reason: Reason = ""


def requested_state_of(state: Any, trust: Any = None) -> TrustState | None:
    """Return the requested trust state from `state`, or else `trust`; None if neither names one."""
    for value in (state, trust):
        word = value.strip().casefold() if isinstance(value, str) else ""
        if word in set(TrustState):
            return TrustState(word)
    return None


def content_fields(content: str | dict[str, Any]) -> dict[str, Any]:
    """Return a draft's fields for a content: the text, and whether it is an object's."""
    return {"content": text_of(content), "is_object": isinstance(content, dict)}
