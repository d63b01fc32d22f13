"""OpenAI's requests and answers."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from memory.search.filter_types import Filter
from memory.search.types import Hit, SearchRequest

MAX_RESULTS = 50
MAX_QUERIES = 10
MAX_QUERY = 100_000
MAX_ATTRIBUTES = 16
MAX_ATTRIBUTE_KEY = 64
MAX_ATTRIBUTE = 512
PASSAGES = 3
"""Of a long memory."""

Query = Annotated[str, Field(max_length=MAX_QUERY)]


class OpenAIRankingOptions(BaseModel):
    """The lowest score of a result, 0..1; `ranker` is ignored."""

    ranker: str | None = None
    score_threshold: float = Field(default=0.0, ge=0, le=1)


class OpenAISearchIn(BaseModel):
    """A search of a vector store; of several queries, the best results of all."""

    query: Query | Annotated[list[Query], Field(min_length=1, max_length=MAX_QUERIES)]
    filters: dict[str, Any] | None = None
    max_num_results: int = Field(default=10, ge=1, le=MAX_RESULTS)
    ranking_options: OpenAIRankingOptions | None = None
    rewrite_query: bool = False

    @property
    def queries(self) -> list[str]:
        """The queries, each once."""
        return [self.query] if isinstance(self.query, str) else list(dict.fromkeys(self.query))

    @property
    def threshold(self) -> float:
        """The lowest score."""
        return self.ranking_options.score_threshold if self.ranking_options else 0.0


class OpenAIStoresQuery(BaseModel):
    """A page of vector stores: those after one, by id."""

    limit: int = Field(default=20, ge=1, le=100)
    after: str = Field(default="", max_length=100)


class OpenAIContentOut(BaseModel):
    """A passage."""

    type: Literal["text"]
    text: str


class OpenAIFoundOut(BaseModel):
    """A found memory."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float | bool]
    content: list[OpenAIContentOut]


class OpenAISearchOut(BaseModel):
    """The results, best first; they are one page."""

    object: Literal["vector_store.search_results.page"]
    search_query: list[str]
    data: list[OpenAIFoundOut]
    has_more: Literal[False]
    next_page: None


class OpenAIFileCounts(BaseModel):
    """The memories of a vector store."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class OpenAIStoreOut(BaseModel):
    """A vector store: the memories of a source, or all."""

    id: str
    object: Literal["vector_store"]
    created_at: int
    name: str
    status: Literal["completed"]
    usage_bytes: int
    file_counts: OpenAIFileCounts
    metadata: dict[str, str]
    expires_after: None
    expires_at: None
    last_active_at: None


class OpenAIStoresOut(BaseModel):
    """A page of vector stores."""

    object: Literal["list"]
    data: list[OpenAIStoreOut]
    first_id: str | None
    last_id: str | None
    has_more: bool


def found_out(hit: Hit) -> dict[str, Any]:
    """Render a hit: its passages that match best if it is long, its text otherwise."""
    texts = [each.text for each in hit.passages[:PASSAGES]] if hit.passage_count > 1 else []
    return {
        "file_id": str(hit.id),
        "filename": hit.external_id or hit.source or hit.memory_type,
        "score": hit.ranked.score,
        "attributes": attributes_of(hit.metadata),
        "content": [{"type": "text", "text": text} for text in texts or [hit.content]],
    }


def attributes_of(metadata: dict[str, Any]) -> dict[str, str | float | bool]:
    """Return the metadata that OpenAI's attributes can hold: texts, numbers, true and false."""
    fitting = {
        key: value
        for key, value in metadata.items()
        if len(key) <= MAX_ATTRIBUTE_KEY
        and isinstance(value, str | int | float | bool)
        and not (isinstance(value, str) and len(value) > MAX_ATTRIBUTE)
    }
    return dict(list(fitting.items())[:MAX_ATTRIBUTES])


def store_out(store: str, memories: int) -> dict[str, Any]:
    """Render a vector store with a number of memories; its age and size are not kept, and 0."""
    none = {"in_progress": 0, "failed": 0, "cancelled": 0}
    return {
        "id": store,
        "object": "vector_store",
        "created_at": 0,
        "name": store,
        "status": "completed",
        "usage_bytes": 0,
        "file_counts": none | {"completed": memories, "total": memories},
        "metadata": {},
        "expires_after": None,
        "expires_at": None,
        "last_active_at": None,
    }


def together(hits: list[list[Hit]], limit: int) -> list[Hit]:
    """Return the best hits of several queries, each memory once."""
    best: dict[Any, Hit] = {}
    for hit in (each for some in hits for each in some):
        if hit.id not in best or hit.ranked.score > best[hit.id].ranked.score:
            best[hit.id] = hit
    return sorted(best.values(), key=lambda hit: -hit.ranked.score)[:limit]


def request_of(
    asked: OpenAISearchIn, narrowed: SearchRequest, conditions: tuple[Filter, ...]
) -> SearchRequest:
    """Return the options of a search.

    Args:
        asked: the request.
        narrowed: the vector store.
        conditions: the filters.
    """
    return replace(
        narrowed,
        conditions=conditions,
        limit=asked.max_num_results,
        min_score=asked.threshold,
        passages=PASSAGES,
    )
