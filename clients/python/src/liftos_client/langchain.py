"""A LangChain retriever over LiftOS (extra `langchain`)."""

import json
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from liftos_client.clients import AsyncClient, Client
from liftos_client.models import Hit, Hits


class LiftosRetriever(BaseRetriever):
    """Recalls memories as documents.

    A document's text is the memory's, or with `passages` the part of it that matches best. Its metadata are the memory's with, under `liftos`, the id,
    the score, the state, the times, and the decision that records the recall.

    Args:
        client: for synchronous calls; asynchronous ones use a thread if there is no `async_client`.
        async_client: for asynchronous calls.
        k: documents at most.
        search: further arguments of `recall`, such as `filters` or `as_of`.
        passages: whether long memories come as the passage that matches best.
        skip_doubtful: whether to return nothing if the recall abstains.
    """

    client: Client
    async_client: AsyncClient | None = None
    k: int = 10
    search: dict[str, Any] = Field(default_factory=dict)
    passages: bool = False
    skip_doubtful: bool = False

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **more: Any
    ) -> list[Document]:
        del run_manager
        return self._documents(self.client.recall(query, **self._fields(more)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **more: Any
    ) -> list[Document]:
        if self.async_client is None:
            return await super()._aget_relevant_documents(query, run_manager=run_manager, **more)
        return self._documents(await self.async_client.recall(query, **self._fields(more)))

    def _fields(self, more: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a recall; those of a call count before the retriever's."""
        given = {"limit": self.k, **self.search, **more}
        if "k" in given:
            given["limit"] = given.pop("k")
        return given

    def _documents(self, hits: Hits) -> list[Document]:
        if self.skip_doubtful and hits.abstained:
            return []
        return [self._document(hit, hits.decision_id) for hit in hits]

    def _document(self, hit: Hit, decision: str) -> Document:
        text = hit.content
        if self.passages and hit.passage:
            text = hit.passage["text"]
        own = {
            "id": hit.id,
            "score": hit.score,
            "state": hit.state,
            "source": hit.source,
            "external_id": hit.external_id,
            "recorded_at": hit.recorded_at.isoformat(),
            "valid_from": hit.valid_from.isoformat() if hit.valid_from else None,
            "decision_id": decision,
        }
        return Document(id=hit.id, page_content=_text(text), metadata={**hit.metadata, "liftos": own})


def _text(content: str | dict[str, Any]) -> str:
    if isinstance(content, str):
        return content
    return json.dumps(content, ensure_ascii=False)
