"""Wire shapes of the routes that old clients call although the old service never had them."""

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
from memory.search.types import MAX_LIMIT, Hit, SearchType
from memory.types import MAX_CONTENT, MemoryDraft, text_of

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
    """The search query string of the Streamlit page and the intelligence service; `tags` may be repeated."""

    query: QueryText = Field(max_length=MAX_CONTENT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)
    search_type: Annotated[QueryText, AfterValidator(_search_type)] = "hybrid"
    limit: int = Field(default=20, ge=1, le=MAX_LIMIT)
    tags: QueryText = ""
    start_date: Annotated[Moment | None, BeforeValidator(none_for_empty)] = None
    end_date: Annotated[EndMoment | None, BeforeValidator(none_for_empty)] = None

    _in_order = not_before("end_date", "start_date")


class RecentQuery(BaseModel):
    """The Streamlit page's query string for recent activities."""

    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)


def check_length(content: str, field: str) -> None:
    """Check the length of a content built from a field of the body."""
    if len(content) > MAX_CONTENT:
        message = f"String should have at most {MAX_CONTENT} characters"
        raise InvalidRequest([item("string_too_long", ("body", field), message)])


class LooseStore(BaseModel):
    """The store request of the Streamlit page (`data`) and the feedback service (`content`)."""

    data: Any = None
    content: str | None = Field(default=None, max_length=MAX_CONTENT)
    metadata: dict[str, Any] | None = None
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    memory_type: str | None = Field(default=None, max_length=100)
    user_id: str | int | None = None
    organization_id: str | int | None = None

    def draft(self, sent: Any) -> MemoryDraft:
        """Return the memory to store.

        Args:
            sent: the body, for the 422 if there is nothing to store.

        Raises:
            InvalidRequest: neither content nor data, or the text in data is too long.
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


class LooseRejection(BaseModel):
    """The rejection of a value in the text, which made the memory a candidate."""

    decision_id: UUID
    memory_id: UUID
    rejected_at: datetime


class LooseStored(BaseModel):
    """The response to a store request."""

    memory_id: UUID
    id: UUID
    success: bool
    embedding: str
    state: str | None = None
    rejection: LooseRejection | None = None


class KeyValue(BaseModel):
    """The load test's store request: a value under a key."""

    value: Any
    key: str | None = Field(default=None, max_length=1_000)
    context: Any = None

    def draft(self) -> MemoryDraft:
        """Return the memory to store.

        Raises:
            InvalidRequest: the value is too long.
        """
        # the value may contain metadata, which this client filters by
        own = self.value.get("metadata") if isinstance(self.value, dict) else None
        metadata: dict[str, Any] = dict(own) if isinstance(own, dict) else {}
        if self.key is not None:
            metadata["key"] = self.key
        if isinstance(self.context, dict):
            metadata["context"] = self.context
        content = text_of(self.value)
        check_length(content, "value")
        return MemoryDraft(content, metadata)


class LooseSearch(BaseModel):
    """The load test's search request."""

    query: str = Field(max_length=MAX_CONTENT)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    context: Any = None
    filters: dict[str, Any] | None = None


class PageHit(BaseModel):
    """A hit in the page's search results."""

    id: UUID
    title: str
    content: Any
    score: float
    type: str
    date: str
    tags: list[str]
    metadata: dict[str, Any]


class PageSearchOut(BaseModel):
    """The response to the page's search; `data` repeats the results for the intelligence service."""

    results: list[PageHit]
    summary: str
    total_count: int
    query: str
    data: dict[str, Any]


class RecentOut(BaseModel):
    """The newest activities."""

    activities: list[dict[str, Any]]


class ValuesOut(BaseModel):
    """The response to `POST /memory/search`: hits in the contract's shape."""

    results: list[dict[str, Any]]
    count: int


def page_hit(hit: Hit) -> dict[str, Any]:
    """Render a hit for the page, with the date used by the filters; a content that is a JSON object is returned as one."""
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
    """Return a summary of a page's search results in one or two sentences."""
    if not results:
        return f"No results for “{query}”."
    kinds = ", ".join(dict.fromkeys(result["type"] for result in results))
    many = "memory" if len(results) == 1 else "memories"
    return (
        f"{len(results)} {many} found for “{query}”, from {candidates} candidates. "
        f"Best match: “{results[0]['title']}” ({results[0]['score']:.2f}). Types: {kinds}."
    )
