"""Wire shapes of the routes that old clients call and the old service never had: each is what its client sends, or reads back."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from liftos.compat.shapes.memory import title_of
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.times import EndMoment, Moment, none_for_empty, not_before
from liftos.kernel.tenancy.types import MAX_USER
from memory.inputs import text_of
from memory.search.types import MAX_LIMIT, Hit, SearchType
from memory.types import MAX_CONTENT, MemoryDraft

TYPES = {
    "semantic": SearchType.NEURAL,
    "keyword": SearchType.KNOWLEDGE,
    "hybrid": SearchType.HYBRID,
    "neural": SearchType.NEURAL,
    "knowledge": SearchType.KNOWLEDGE,
    "conceptual": SearchType.CONCEPTUAL,
}


def _search_type(text: str) -> str:
    if text not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return text


class PageSearch(BaseModel):
    """What the Streamlit page and the intelligence service ask in the query string; `tags` may stand several times."""

    query: QueryText = Field(max_length=MAX_CONTENT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)
    search_type: Annotated[QueryText, AfterValidator(_search_type)] = "hybrid"
    limit: int = Field(default=20, ge=1, le=MAX_LIMIT)
    tags: QueryText = ""
    start_date: Annotated[Moment | None, BeforeValidator(none_for_empty)] = None
    end_date: Annotated[EndMoment | None, BeforeValidator(none_for_empty)] = None

    _in_order = not_before("end_date", "start_date")


class RecentQuery(BaseModel):
    """What the Streamlit page asks of recent activities."""

    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)


def check_length(content: str, field: str) -> None:
    """Refuse a text that is too long, by the name of the field that it was made of."""
    if len(content) > MAX_CONTENT:
        message = f"String should have at most {MAX_CONTENT} characters"
        raise InvalidRequest([item("string_too_long", ("body", field), message)])


class LooseStore(BaseModel):
    """What the Streamlit page (`data`) and the feedback service (`content`) send to be stored."""

    data: Any = None
    content: str | None = Field(default=None, max_length=MAX_CONTENT)
    metadata: dict[str, Any] | None = None
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    memory_type: str | None = Field(default=None, max_length=100)
    user_id: str | int | None = None
    organization_id: str | int | None = None

    def draft(self, sent: Any) -> MemoryDraft:
        """Return the domain's form.

        Args:
            sent: the body, for the 422 that says that there is nothing to store.

        Raises:
            InvalidRequest: neither content nor data, or too long a text in data.
        """
        if self.content is None and self.data is None:
            raise InvalidRequest([item("missing", ("body", "data"), "Field required", sent)])
        data = self.data if isinstance(self.data, dict) else {}
        content = self.content
        if content is None:
            own = next((data[name] for name in ("content", "text") if isinstance(data.get(name), str)), None)
            content = text_of(self.data) if own is None else own
        check_length(content, "data")
        metadata = self.metadata
        if metadata is None:
            metadata = {name: value for name, value in data.items() if name not in ("content", "text")}
        kind = self.memory_type or (data.get("type") if isinstance(data.get("type"), str) else None)
        return MemoryDraft(content, metadata, (kind or "general")[:100], tags=tuple(self.tags or ()))


class RejectionOut(BaseModel):
    """The rejection of a value that a text holds; a memory is stored as a candidate for it."""

    decision_id: UUID
    memory_id: UUID
    rejected_at: datetime


class LooseStored(BaseModel):
    """The answer to a loose store."""

    memory_id: UUID
    id: UUID
    success: bool
    embedding: str
    state: str | None = None
    rejection: RejectionOut | None = None


class KeyValue(BaseModel):
    """What the load test stores: a value under a key."""

    value: Any
    key: str | None = Field(default=None, max_length=1_000)
    context: Any = None

    def draft(self) -> MemoryDraft:
        """Return the domain's form.

        Raises:
            InvalidRequest: too long a value.
        """
        # a value may bring metadata of its own, by which this caller filters
        brought = self.value.get("metadata") if isinstance(self.value, dict) else None
        metadata: dict[str, Any] = dict(brought) if isinstance(brought, dict) else {}
        if self.key is not None:
            metadata["key"] = self.key
        if isinstance(self.context, dict):
            metadata["context"] = self.context
        content = text_of(self.value)
        check_length(content, "value")
        return MemoryDraft(content, metadata)


class LooseSearch(BaseModel):
    """What the load test asks."""

    query: str = Field(max_length=MAX_CONTENT)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    context: Any = None
    filters: dict[str, Any] | None = None


class PageHit(BaseModel):
    """A found memory as the page shows it."""

    id: UUID
    title: str
    content: Any
    score: float
    type: str
    date: str
    tags: list[str]
    metadata: dict[str, Any]


class PageSearchOut(BaseModel):
    """The answer to the page's search; `data` repeats the results for the intelligence service."""

    results: list[PageHit]
    summary: str
    total_count: int
    query: str
    data: dict[str, Any]


class RecentOut(BaseModel):
    """The newest activities."""

    activities: list[dict[str, Any]]


class ValuesOut(BaseModel):
    """The answer to `POST /memory/search`: hits in the contract's form."""

    results: list[dict[str, Any]]
    count: int


def page_hit(hit: Hit) -> dict[str, Any]:
    """Return a found memory as the page shows it, with the date it is filtered by; a content that is a JSON object is shown as one."""
    moment = hit.happened_at or hit.recorded_at
    return {
        "id": str(hit.id),
        "title": str(hit.metadata.get("title") or title_of(hit.content)),
        "content": _structured(hit.content),
        "score": hit.ranked.score,
        "type": hit.memory_type,
        "date": moment.astimezone(UTC).date().isoformat(),
        "tags": hit.tags,
        "metadata": hit.metadata,
    }


def _structured(content: str) -> Any:
    if content[:1] != "{":
        return content
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return value if isinstance(value, dict) else content


def summary(query: str, results: list[dict[str, Any]], candidates: int) -> str:
    """Return a sentence or two about what the page found."""
    if not results:
        return f"Nothing was found for “{query}”."
    kinds = ", ".join(dict.fromkeys(result["type"] for result in results))
    many = "memory" if len(results) == 1 else "memories"
    return (
        f"{len(results)} {many} found for “{query}”, of {candidates} that were weighed. "
        f"The best is “{results[0]['title']}” ({results[0]['score']:.2f}). Types: {kinds}."
    )
