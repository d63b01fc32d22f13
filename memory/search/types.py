"""Search requests and results. No Django."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from memory.analysis.languages import language_of
from memory.search.filter_types import Filter, Narrowing
from memory.search.query_analysis import QueryAnalysis, analyse
from memory.search.query_syntax import Query, read_query
from memory.types import TrustState, as_given

MAX_LIMIT = 100

Key = bytes  # a memory's id within a search: the 16 bytes of its UUID
Row = tuple[Any, ...]  # memory.search.statements.COLUMNS without the first
PassageScores = Mapping[Key, Mapping[int, float]]  # memory to passage number to score
ScorePassages = Callable[[Sequence[Key]], Callable[[], PassageScores]]
"""Sends a statement that scores the passages of memories; returns a function that waits for the result."""


class AbstainReason(StrEnum):
    """The reason why a search abstains: nothing found is likely to answer."""

    NOTHING_ASKED = "nothing_asked"
    NOTHING_FOUND = "nothing_found"
    BELOW_MIN_SCORE = "below_min_score"
    WEAK_EVIDENCE = "weak_evidence"
    CODE_NOT_FOUND = "code_not_found"


class PhrasePlan(StrEnum):
    """The part of a query's quoted phrases in a search."""

    EXACT = "exact"
    """Every hit contains all of them."""
    PARTLY = "partly"
    """Every hit contains those that any memory contains; the others were searched as words."""
    NOT_FOUND = "not_found"
    """No memory contains them; they were searched as words."""


class SearchType(StrEnum):
    """Which arms serve a search."""

    NEURAL = "neural"
    KNOWLEDGE = "knowledge"
    CONCEPTUAL = "conceptual"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search.

    Attributes:
        query: the text.
        search_type: selects the arms.
        limit: 1..100.
        offset: how many of the best to leave out, for a further page.
        depth: candidates per arm on the first page, for a further page; 0 for the first page.
        lists_newest: whether a query without text asks for the newest memories rather than for the best.
        conditions: metadata filters, all of which must hold.
        memory_type: only this type; None for all.
        recency: weight of recency, relative to 1 for the arms together; 0 to ignore it.
        importance: weight of the memory's importance; 0 to ignore it.
        half_life_days: half-life of recency.
        without: names of arms and evidence to exclude, for ablation.
        states: only these trust states; None for active and contested.
        as_of: only memories valid at this time, aware UTC; None for any validity.
        known_at: search memories as they were known at this time, aware UTC; None for now.
        tags: only memories with all of these.
        happened_from: only memories that happened at or after this time, aware UTC; by default when recorded.
        happened_until: only memories that happened at or before this time, aware UTC.
        space: only members of this conceptual space, by id or name; None for no restriction.
        space_version: version of the space; None for the newest.
        target: dimension of the space to the desired value, a number or "low" or "high".
        concept: name or id of a concept of the space to search for.
        example: a memory in the space to find similar ones for.
        copies: how often the response repeats each hit's text; 0 if every memory appears once.
        min_score: memories with a lower score are left out, 0..1.
        diversity: 0 by score alone; above, near-doubles collapse into one hit, and what repeats a better hit moves down; up to 1.
        only: set by the search itself if the query quotes phrases: the memories that contain them, the only ones that pass.
        never: set by the search itself: memories that contain an excluded word or phrase.
        passages: how many passages of a long memory to bring, best first, each with its neighbours if more than one.
        narrowing: tags, thread, source, entity, text and times of the memories.
        members_of: set by the search itself if `space` has only some of the memories: the space whose members pass.
    """

    query: str
    search_type: SearchType = SearchType.HYBRID
    limit: int = 10
    offset: int = 0
    depth: int = 0
    lists_newest: bool = False
    conditions: tuple[Filter, ...] = ()
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
    min_score: float = 0.0
    diversity: float = 0.0
    passages: int = 1
    members_of: UUID | None = None
    narrowing: Narrowing = field(default_factory=Narrowing)
    only: tuple[Key, ...] | None = None
    never: tuple[Key, ...] = ()

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        narrowed = (
            self.conditions, self.states, self.as_of, self.known_at, self.tags, self.happened_from, self.happened_until,
            self.narrowing,
        )  # fmt: skip
        return any(narrowed) or self.memory_type is not None or self.members_of is not None

    @property
    def reach(self) -> int:
        """The number of hits up to the end of its page."""
        return self.offset + self.limit

    @property
    def is_further_page(self) -> bool:
        """True for a page that continues an earlier search."""
        return self.depth > 0

    @property
    def is_list(self) -> bool:
        """True if it asks for the newest memories that pass its conditions."""
        has_target = self.target or self.concept or self.example
        return self.lists_newest and not self.query.strip() and not has_target

    @property
    def is_by_one_arm(self) -> bool:
        """Whether a single arm answers, without relations."""
        return self.search_type in {SearchType.NEURAL, SearchType.CONCEPTUAL}

    @property
    def is_conceptual(self) -> bool:
        """Whether it refers to a conceptual space."""
        return bool(self.space or self.target or self.concept or self.example)


@dataclass(frozen=True)
class Question:
    """A query of a search, with the arms' preparation.

    Attributes:
        organisation: the tenant.
        request: the search.
        asked_at: aware UTC.
        prepared: arm to the result of its `prepare`, without arms that don't apply.
        not_asked: arm to the reason why it could not search for this query.
        languages: of the organisation's texts beside English, which the query is also read in.
        phrase_plan: set by the search itself: how the query's phrases take part; None if it quotes nothing.
    """

    organisation: UUID
    request: SearchRequest
    asked_at: datetime
    prepared: Mapping[str, Any] = field(default_factory=dict)
    not_asked: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    phrase_plan: PhrasePlan | None = None

    def can_ask(self, arm: str) -> bool:
        """Return whether an arm applies to the question."""
        return arm in self.prepared

    @cached_property
    def query(self) -> Query:
        """The query apart from its operators."""
        return read_query(self.request.query)

    @cached_property
    def language(self) -> str:
        """The query's language, ISO 639-1; "" if it does not show."""
        return language_of(self.query.text)

    @cached_property
    def analysis(self) -> QueryAnalysis:
        """The query's analysis, computed on first use because neural searches don't need it."""
        return analyse(self.query.text, self.asked_at, self.language, self.languages)


class Term(NamedTuple):
    """A term of a score: value = share * weight.

    Attributes:
        arm: the arm or kind of evidence.
        raw: its own score, such as cosine or BM25.
        share: `raw` normalised to 0..1 for this search.
        weight: value of a share of 1.
    """

    arm: str
    raw: float
    share: float
    weight: float

    @property
    def value(self) -> float:
        """The contribution to the score."""
        return self.share * self.weight


class Step(NamedTuple):
    """A relation through which a memory was found: a link or an entity.

    Attributes:
        kind: the link's or entity's kind.
        source: the memory at the other end of the link; None for an entity.
        forward: whether the link points from `source` to the memory found.
        name: the entity's key; empty for a link.
    """

    kind: str
    source: Key | None = None
    forward: bool = True
    name: str = ""


class Ranked(NamedTuple):
    """A ranked memory.

    Attributes:
        id: the memory.
        score: the sum of its terms.
        terms: what it is made of.
        path: the relations through which it was found, nearest last.
        collapsed: the number of near-doubles it stands for.
    """

    id: Key
    score: float
    terms: tuple[Term, ...]
    path: tuple[Step, ...] = ()
    collapsed: int = 0

    @property
    def uuid(self) -> UUID:
        """The memory's id as a UUID."""
        return UUID(bytes=self.id)


class FoundPassage(NamedTuple):
    """A passage of a hit.

    Attributes:
        number: its place among the memory's passages, from 0.
        text: the memory's text from `start` to `end`, offsets in characters; cut if the answer has no room.
        page: the page it begins on, if known.
        heading: of its section, with its path; empty if unknown.
        score: how well it matches, on the scale of the memory's score; 0 if it only stands beside one that does.
    """

    number: int
    text: str
    start: int
    end: int
    page: int | None = None
    heading: str = ""
    score: float = 0.0


class Hit(NamedTuple):
    """A found memory. `passages` has its best one first, `passage_count` is the number it has in all."""

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
    # whether content was cut or metadata left out for lack of room
    truncated: bool = False
    passages: tuple[FoundPassage, ...] = ()
    passage_count: int = 1
    # whether the content is the JSON of an object, all of it
    is_object: bool = False
    # the access scope
    scope: int = 0

    @property
    def given_content(self) -> str | dict[str, Any]:
        """The content as its writer gave it; of an object that was cut, as much of its JSON as there is room for."""
        return as_given(self.content, is_object=self.is_object)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search.

    Attributes:
        hits: best first.
        search_type: as requested.
        degraded: names of parts that failed.
        decision: id of the decision record.
        candidates: number of memories scored.
        plans: query plan by arm.
        abstain_reason: why nothing is likely to answer; None if the first hit may.
        confidence: how sure it is that the first hit answers, 0..1; None if nothing was found.
        has_more: whether there are further hits.
    """

    hits: list[Hit]
    search_type: SearchType
    decision: UUID
    candidates: int = 0
    degraded: tuple[str, ...] = ()
    plans: dict[str, str] = field(default_factory=dict)
    abstain_reason: AbstainReason | None = None
    confidence: float | None = None
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """The result of several searches.

    Attributes:
        hits: best first, for each query in order.
        search_type: as requested.
        decision: id of the joint decision record.
        degraded: names of parts that failed.
        abstain_reasons: for each query why nothing is likely to answer it; None if its first hit may.
        confidences: for each query how sure it is that its first hit answers; None if nothing was found.
    """

    hits: list[list[Hit]]
    search_type: SearchType
    decision: UUID
    degraded: tuple[str, ...] = ()
    abstain_reasons: tuple[AbstainReason | None, ...] = ()
    confidences: tuple[float | None, ...] = ()
