"""Conditions of lists, searches and deletions, as callers write them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import EndMoment, Moment
from memory.search.filter_types import TIMES, Narrowing, TimeTest
from memory.search.filters import parse_filters
from memory.search.types import SearchRequest
from memory.types import TrustState

MAX_TEXT = 1_000
Tag = Annotated[str, Field(max_length=100)]
Tags = Annotated[list[Tag], Field(min_length=1, max_length=100)] | None
States = Annotated[list[TrustState], Field(min_length=1, max_length=len(TrustState))] | None
"""Trust states to include (docs/memory-life.md)."""


class TagsIn(Strict):
    """Tags a memory must have: at least one of `any`, each of `all`, or just those of `exact`."""

    any: Tags = None
    all: Tags = None
    exact: Annotated[list[Tag], Field(max_length=100)] | None = None

    @model_validator(mode="after")
    def check_given(self) -> "TagsIn":
        """Refuse an empty object."""
        if self.any is None and self.all is None and self.exact is None:
            raise ValueError("needs any, all or exact")
        return self


class SourceIn(Strict):
    """A memory's source: the whole, or its beginning."""

    equals: str | None = Field(default=None, max_length=100)
    prefix: str | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def check_given(self) -> "SourceIn":
        """Refuse an empty object."""
        if self.equals is None and self.prefix is None:
            raise ValueError("needs a prefix")
        return self


def _absent() -> Any:
    """Return the value of an operator that is not given; given, it can't be null."""
    return None


class TimeRange(Strict):
    """Operators on a time; `$eq` and `$ne` also take null. A date after `$lte` or `$gt` means its end."""

    model_config = ConfigDict(extra="forbid", validate_by_name=False)

    eq: Moment | None = Field(default=None, alias="$eq")
    ne: Moment | None = Field(default=None, alias="$ne")
    gt: EndMoment = Field(default_factory=_absent, alias="$gt")
    gte: Moment = Field(default_factory=_absent, alias="$gte")
    lt: Moment = Field(default_factory=_absent, alias="$lt")
    lte: EndMoment = Field(default_factory=_absent, alias="$lte")
    exists: bool = Field(default=False, alias="$exists")

    @model_validator(mode="after")
    def check_range(self) -> "TimeRange":
        """Refuse an empty object, and a range that ends before it starts."""
        if not self.model_fields_set:
            raise ValueError("needs an operator: $eq, $ne, $gt, $gte, $lt, $lte or $exists")
        starts = [each for each in (self.gt, self.gte) if each is not None]
        ends = [each for each in (self.lt, self.lte) if each is not None]
        if starts and ends and max(starts) > min(ends):
            raise ValueError("must not end before it starts")
        return self

    def tests(self, field: str) -> list[TimeTest]:
        """Return the tests of a memory's time."""
        tests = [
            TimeTest(field, name, getattr(self, name))
            for name in ("eq", "ne", "gt", "gte", "lt", "lte")
            if name in self.model_fields_set
        ]
        if "exists" in self.model_fields_set:
            tests.append(TimeTest(field, "ne" if self.exists else "eq", None))
        return tests


def _as_tags(value: Any) -> Any:
    if isinstance(value, str):
        return {"all": [value]}
    return {"all": value} if isinstance(value, list) else value


def _as_source(value: Any) -> Any:
    return {"equals": value} if isinstance(value, str) else value


def _as_range(value: Any) -> Any:
    return value if isinstance(value, dict | TimeRange) else {"$eq": value}


_TEXT, _NULL = {"type": "string"}, {"type": "null"}
_RANGE = {
    "anyOf": [
        _TEXT,
        {"type": "number"},
        _NULL,
        {
            "type": "object",
            "properties": {f"${name}": {} for name in ("eq", "ne", "gt", "gte", "lt", "lte")}
            | {"$exists": {"type": "boolean"}},
            "additionalProperties": False,
        },
    ]
}


def _without_default(schema: dict[str, Any]) -> None:
    # a null that is sent asks for those without the time, so who fills in defaults may not send it
    schema.pop("default", None)


Range = Annotated[
    TimeRange | None,
    BeforeValidator(_as_range),
    WithJsonSchema(_RANGE),
    Field(json_schema_extra=_without_default),
]


class NarrowIn(Strict):
    """Conditions of a list, search or deletion, all of which must hold. `tags` as a list means all of these."""

    filters: dict[str, Any] | None = None
    memory_type: str | None = None
    states: States = None
    as_of: Moment | None = None
    known_at: Moment | None = None
    tags: Annotated[
        TagsIn | None,
        BeforeValidator(_as_tags),
        WithJsonSchema({"anyOf": [{"type": "array", "items": _TEXT}, TagsIn.model_json_schema(), _NULL]}),
    ] = None
    thread: str | None = Field(default=None, max_length=300)
    source: Annotated[
        SourceIn | None,
        BeforeValidator(_as_source),
        WithJsonSchema(
            {
                "anyOf": [
                    _TEXT,
                    {"type": "object", "properties": {"prefix": _TEXT}, "additionalProperties": False},
                    _NULL,
                ]
            }
        ),
    ] = None
    external_id: str | None = Field(default=None, min_length=1, max_length=300)
    entity: str | None = Field(default=None, min_length=1, max_length=100)
    text: str | None = Field(
        default=None, min_length=1, max_length=MAX_TEXT, description="part of the text, in any case"
    )
    recorded_at: Range = None
    changed_at: Range = None
    happened_at: Range = None
    valid_from: Range = None
    valid_to: Range = None
    expires_at: Range = None

    def narrowing(self) -> Narrowing:
        """Return the conditions beside type, states, times and metadata."""
        tags, source = self.tags or TagsIn.model_construct(), self.source or SourceIn.model_construct()
        times = [
            test
            for name in TIMES
            if (wanted := getattr(self, name)) is not None
            for test in wanted.tests(name)
        ]
        return Narrowing(
            all_tags=tuple(tags.all or ()),
            any_tags=tuple(tags.any or ()),
            exact_tags=None if tags.exact is None else tuple(tags.exact),
            thread=self.thread,
            source=source.equals,
            source_prefix=source.prefix or "",
            external_id=self.external_id or "",
            entity=self.entity or "",
            text=self.text or "",
            times=tuple(times),
        )

    def narrowed(self) -> SearchRequest:
        """Return all that narrows as a search request without a query."""
        return SearchRequest(
            query="",
            conditions=parse_filters(self.filters),
            memory_type=self.memory_type,
            states=tuple(self.states) if self.states else None,
            as_of=self.as_of,
            known_at=self.known_at,
            narrowing=self.narrowing(),
        )
