"""Answers of the API. `raw` is the answer as it came, with fields that this version does not name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self, TypeVar, overload

Content = str | dict[str, Any]
T = TypeVar("T", bound="Answer")
_TIMES = frozenset(
    {
        "recorded_at",
        "changed_at",
        "created_at",
        "valid_from",
        "valid_to",
        "expires_at",
        "started_at",
        "ended_at",
    }
)


@dataclass(frozen=True)
class Answer:
    """An answer; base of those below."""

    raw: Mapping[str, Any] = field(repr=False, compare=False, kw_only=True)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """Return the answer that a JSON object says."""
        named = {
            each.name: _read(each.name, raw.get(each.name)) for each in fields(cls) if each.name != "raw"
        }
        return cls(**named, raw=raw)


def _read(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


@dataclass(frozen=True)
class Memory(Answer):
    """A memory."""

    id: str
    content: Content
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    importance: float
    state: str
    embedding: str
    index: bool
    thread: str
    visible_to: str | dict[str, Any]
    links: list[dict[str, Any]]
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None
    superseded_by: str | None
    version: int
    recorded_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Hit(Answer):
    """A memory that a recall found; `passage` is its part that matches best."""

    id: str
    content: Content
    score: float
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    state: str
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime
    terms: dict[str, float]
    passage: dict[str, Any] | None


@dataclass(frozen=True)
class Hits(Sequence[Hit]):
    """The hits of a recall, best first.

    Attributes:
        abstained: whether nothing found is likely to answer the query; `abstain_reason` says why.
        confidence: that the first hit answers, 0..1.
        decision_id: the recall's record.
        next: cursor of the next page.
    """

    hits: list[Hit]
    abstained: bool
    abstain_reason: str | None
    confidence: float | None
    decision_id: str
    next: str | None
    total: int | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Hits":
        """Return the hits that a JSON object says."""
        return cls(
            hits=[Hit.of(each) for each in raw["results"]],
            abstained=raw["abstained"],
            abstain_reason=raw["abstain_reason"],
            confidence=raw["confidence"],
            decision_id=raw["decision_id"],
            next=raw["next"],
            total=raw.get("total"),
            raw=raw,
        )

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> list[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | list[Hit]:
        return self.hits[index]


@dataclass(frozen=True)
class Prompt(Answer):
    """Recalled text for a prompt, fenced as data; `memories` are the ids in it."""

    prompt: str
    tokens: int
    abstained: bool
    decision_id: str

    @property
    def memories(self) -> list[str]:
        """The ids of the memories that it quotes."""
        return [each["id"] for each in self.raw["results"]]

    def __str__(self) -> str:
        return self.prompt


@dataclass(frozen=True)
class Stored(Answer):
    """A stored memory; `outcome` is stored, unchanged or changed."""

    id: str
    outcome: str
    embedding: str
    state: str
    decision_id: str | None


@dataclass(frozen=True)
class Revised(Answer):
    """A corrected memory."""

    id: str
    version: int
    state: str
    embedding: str
    decision_id: str | None


@dataclass(frozen=True)
class LineResult(Answer):
    """The result of one memory of `remember_many` or `bulk`: `status` as of a store by itself, `error` if it was refused."""

    number: int
    status: int
    id: str | None
    error: Any

    @property
    def stored(self) -> bool:
        """True if the memory is stored, now or before."""
        return self.status < 300


@dataclass(frozen=True)
class Link(Answer):
    """A link as seen from a memory; `other` is the memory at its other end."""

    kind: str
    target: str | None
    external_id: str | None
    source: str
    weight: float
    properties: dict[str, Any]
    direction: str
    other: str | None


@dataclass(frozen=True)
class Recorded(Answer):
    """A decision put on record."""

    id: str
    correlation_id: str
    index: int | None


@dataclass(frozen=True)
class Decision(Answer):
    """A decision on record."""

    id: str
    operation: str
    decision_point: str
    reasoning: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    alternatives: list[Any]
    memories: list[dict[str, Any]]
    confidence: float | None
    confidence_calibrated: float | None
    effect: str
    risk_class: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    parents: list[str]
    recorded_at: datetime


@dataclass(frozen=True)
class Run(Answer):
    """A workflow run; its steps with their results are in `steps`."""

    id: str
    status: str
    steps: list[dict[str, Any]]


@dataclass(frozen=True)
class Event(Answer):
    """An event in the CloudEvents form; `sequence` is its place in the stream."""

    id: str
    type: str
    source: str
    time: str
    sequence: str
    data: Any
    subject: str | None = None
