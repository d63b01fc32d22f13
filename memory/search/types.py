"""What is asked and what is answered. No Django here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from memory.search.query_analysis import QueryAnalysis, analyse
from memory.types import TrustState

MAX_LIMIT = 100

Key = bytes  # a memory's id within a search: the 16 bytes of its UUID
Row = tuple[Any, ...]  # a memory as memory.search.statements.COLUMNS has it, after its id


class SearchType(StrEnum):
    """How a query is understood."""

    NEURAL = "neural"
    KNOWLEDGE = "knowledge"
    CONCEPTUAL = "conceptual"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter on one metadata key.

    Attributes:
        key: dotted path.
        operator: one of eq, ne, in, nin, gt, gte, lt, lte, exists.
        values: JSON scalars; for exists, one boolean.
    """

    key: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search.

    Attributes:
        query: the text.
        search_type: which arms take part.
        limit: 1..100.
        conditions: metadata filters, all of which must hold.
        memory_type: only of this type, or None.
        recency: what being recent is worth beside an arm's 1; 0 to leave it out.
        importance: what the memory's own importance is worth; 0 to leave it out.
        half_life_days: after which half of the recency is left.
        without: names of evidence that must not take part, for measuring what each is worth.
        states: only memories of these trust states; None for what is believed, contested included.
        as_of: only what was true then, aware UTC; None for whenever it was true.
        known_at: what was believed then, aware UTC, as it then stood; None for now.
        tags: only memories that have all of these.
        happened_from: only what happened then or later, aware UTC; a memory that tells no time happened when it was recorded.
        happened_until: only what happened then or before, aware UTC.
        space: only members of this conceptual space, by its id or name; None for no such bound.
        space_version: by that version of it; None for the newest.
        target: dimension of the space to the value wanted there, a number or "low" or "high".
        concept: name or id of a concept of the space that is wanted.
        example: a memory of the space like which others are wanted.
        copies: how often the answer repeats the text of each hit; 0 where each memory stands in it once.
        members_of: the space whose members alone are let through; set by the search itself where `space` does not hold all.
    """

    query: str
    search_type: SearchType = SearchType.HYBRID
    limit: int = 10
    conditions: tuple[Condition, ...] = ()
    memory_type: str | None = None
    recency: float = 0.0
    importance: float = 0.0
    half_life_days: float = 30.0
    without: frozenset[str] = frozenset()
    states: tuple[TrustState, ...] | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None
    tags: tuple[str, ...] = ()
    happened_from: datetime | None = None
    happened_until: datetime | None = None
    space: UUID | str | None = None
    space_version: int | None = None
    target: tuple[tuple[str, float | str], ...] = ()
    concept: str = ""
    example: UUID | None = None
    copies: int = 0
    members_of: UUID | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows what is believed now."""
        narrowed = (
            self.conditions, self.states, self.as_of, self.known_at, self.tags, self.happened_from, self.happened_until,
        )  # fmt: skip
        return any(narrowed) or self.memory_type is not None or self.members_of is not None

    @property
    def is_by_one_arm(self) -> bool:
        """Whether one arm answers alone; relations take no part."""
        return self.search_type in {SearchType.NEURAL, SearchType.CONCEPTUAL}

    @property
    def is_conceptual(self) -> bool:
        """Whether it says anything that only a conceptual space can answer."""
        return bool(self.space or self.target or self.concept or self.example)


@dataclass(frozen=True)
class Question:
    """What the arms see of a search.

    Attributes:
        organisation: whose memories.
        request: the search.
        asked_at: aware UTC.
        prepared: arm to what its `prepare` returned for this question; an arm that has nothing to say is left out.
    """

    organisation: UUID
    request: SearchRequest
    asked_at: datetime
    prepared: Mapping[str, Any] = field(default_factory=dict)

    def can_ask(self, arm: str) -> bool:
        """Return whether an arm has something to say to it."""
        return arm in self.prepared

    @cached_property
    def analysis(self) -> QueryAnalysis:
        """What the query's words say; made when first needed, for a neural search needs it never."""
        return analyse(self.request.query, self.asked_at)


class Term(NamedTuple):
    """One summand of a score: what an arm measured and what that was worth.

    Attributes:
        arm: which arm.
        raw: the arm's own figure (cosine; BM25).
        share: `raw` on the scale 0..1 of this search.
        weight: what a share of 1 is worth.
    """

    arm: str
    raw: float
    share: float
    weight: float

    @property
    def value(self) -> float:
        """The summand."""
        return self.share * self.weight


class Step(NamedTuple):
    """A relation by which a memory was reached: a link, with the memory it comes from, or an entity by its name.

    Attributes:
        kind: of the link; or the entity's.
        source: the memory at the other end of the link, None for an entity.
        forward: the link points from `source` to the memory reached.
        name: the entity's key, empty for a link.
    """

    kind: str
    source: Key | None = None
    forward: bool = True
    name: str = ""


class Ranked(NamedTuple):
    """A memory's id with its score, the terms that sum to it, and the relations that brought it there, nearest last."""

    id: Key
    score: float
    terms: tuple[Term, ...]
    path: tuple[Step, ...] = ()

    @property
    def uuid(self) -> UUID:
        """The memory's id as everybody else has it."""
        return UUID(bytes=self.id)


class Hit(NamedTuple):
    """A found memory."""

    id: UUID
    content: str
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str
    tags: list[str]
    recorded_at: datetime
    ranked: Ranked
    state: str = TrustState.ACTIVE.value
    version: int = 1
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    happened_at: datetime | None = None
    # the content is cut, or the metadata left out, because the answer has no room for all of it
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search.

    Attributes:
        hits: best first.
        search_type: as asked.
        degraded: names of parts that could not take part.
        decision: the id of the search's decision record.
        candidates: how many memories were scored.
        plans: each arm's way to its candidates.
    """

    hits: list[Hit]
    search_type: SearchType
    decision: UUID
    candidates: int = 0
    degraded: tuple[str, ...] = ()
    plans: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """The result of several searches.

    Attributes:
        hits: for each query, in the order of the queries, best first.
        search_type: as asked.
        decision: the id of their one decision record.
        degraded: names of parts that could not take part.
    """

    hits: list[list[Hit]]
    search_type: SearchType
    decision: UUID
    degraded: tuple[str, ...] = ()
