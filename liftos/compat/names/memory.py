"""The old platform's names for memory: embeddings, search and storage, conceptual spaces."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import numpy as np

from liftos.compat.names.calls import in_thread, principal_of, unit
from liftos.compat.shapes.memory import hit_out
from liftos.compat.shapes.spaces import spaces_out
from liftos.kernel import embedding
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding.process_managers import embedder_names, get_manager
from liftos.kernel.embedding.types import TextKind, Vector
from liftos.kernel.telemetry.manager import get_observability
from memory.index.embeddings import use_manager
from memory.operations import remember
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft
from spaces.concepts.operations import add_concept
from spaces.errors import SpaceNotFound
from spaces.memory_port import forget_spaces
from spaces.operations import add_member, create_space, named_dimensions
from spaces.queries import find_space
from spaces.types import ConceptDraft

_CONCEPT = frozenset(each.name for each in fields(ConceptDraft)) - {"name"}


class EmbeddingManager(embedding.EmbeddingManager):
    """The embedding manager, with the old platform's names for `embed`, `embed_many`, `stats` and `clear`."""

    async def get_embedding(self, text: str, model: str = "default") -> Vector:
        """Return the vector of a text.

        Raises:
            ValueError: `model` is neither "default", this manager's model, nor a configured embedder.
        """
        return await in_thread(self._of(model).embed)(text, kind=TextKind.DOCUMENT)

    async def batch_embeddings(self, texts: Sequence[str], model: str = "default") -> list[Vector]:
        """Return the vectors of texts, in their order, with one model call for those not cached."""
        rows: np.ndarray = await in_thread(self._of(model).embed_many)(list(texts), kind=TextKind.DOCUMENT)
        return list(rows)

    def get_cache_stats(self) -> dict[str, int | float]:
        """See `stats`."""
        return self.stats()

    def clear_cache(self) -> None:
        """Empty this process's cache; the counters stay."""
        self.clear()

    def _of(self, model: str) -> embedding.EmbeddingManager:
        if model in ("default", self.model.name):
            return self
        if model in embedder_names():
            return get_manager(model)
        raise ValueError(f"unknown model {model!r}: use default, or one of {', '.join(embedder_names())}")


class EnhancedKSEIntegration:
    """Search and storage with one embedding manager's vectors."""

    def __init__(self, embedding_manager: embedding.EmbeddingManager | None = None) -> None:
        """Create an integration; `embedding_manager` must use the installation's or the organisation's model."""
        self.embedding_manager = embedding_manager or EmbeddingManager()
        # for calls without an organisation
        self._organisations: dict[str, str] = {}
        self._spaces: dict[str, str] = {}

    @unit
    def search(
        self,
        org_id: str,
        query: str,
        search_type: str = "hybrid",
        limit: int = 10,
        conceptual_space: str | None = None,
        memory_type: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the hits of a search, in the old platform's shape.

        Raises:
            OrganisationNotFound, SpaceNotFound: the organisation or space is unknown.
            ValueError: an unknown search type.
        """
        principal = self._principal(org_id)
        request = SearchRequest(
            query, SearchType(search_type), limit=limit, space=conceptual_space, memory_type=memory_type
        )
        with use_manager(self.embedding_manager):
            answer = search(organisation=principal.organisation, by=principal.actor, request=request)
        return [hit_out(hit) for hit in answer.hits]

    @unit
    def store(
        self,
        org_id: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        memory_type: str = "general",
        conceptual_space: str | None = None,
    ) -> str:
        """Store a memory, and add it to a space if one is given; return its id.

        Raises:
            OrganisationNotFound, SpaceNotFound: the organisation or space is unknown; nothing is stored.
        """
        principal = self._principal(org_id)
        organisation, draft = (
            principal.organisation,
            MemoryDraft(content, dict(metadata or {}), memory_type=memory_type),
        )
        space = None if conceptual_space is None else self._space(organisation, conceptual_space)
        with use_manager(self.embedding_manager):
            memory = remember(organisation=organisation, by=principal.actor, draft=draft).id
        if space is not None:
            add_member(organisation=organisation, by=principal.actor, space=space, memory=memory)
        return str(memory)

    @unit
    def create_space(self, org_id: str, name: str, dimensions: Sequence[str]) -> str:
        """Create a conceptual space from dimension names; return its id."""
        principal = self._principal(org_id)
        space = create_space(
            organisation=principal.organisation,
            by=principal.actor,
            name=name,
            dimensions=named_dimensions(dimensions),
        )
        forget_spaces(principal.organisation)
        self._spaces[str(space.id)] = principal.slug
        return str(space.id)

    async def enhanced_memory_search(
        self,
        org_id: str,
        query: str,
        search_type: str = "hybrid",
        conceptual_space: str | None = None,
        limit: int = 10,
        memory_type: str | None = None,
    ) -> list[dict[str, Any]]:
        """See `search`."""
        return await in_thread(self.search)(org_id, query, search_type, limit, conceptual_space, memory_type)

    async def store_with_conceptual_mapping(
        self,
        org_id: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        conceptual_space: str | None = None,
        memory_type: str = "general",
    ) -> str:
        """See `store`."""
        return await in_thread(self.store)(org_id, content, metadata, memory_type, conceptual_space)

    async def create_conceptual_space(self, org_id: str, name: str, dimensions: Sequence[str]) -> str:
        """See `create_space`."""
        return await in_thread(self.create_space)(org_id, name, dimensions)

    async def add_concept_to_space(
        self, space_id: str, concept_id: str, concept_data: Mapping[str, Any], *, org_id: str | None = None
    ) -> bool:
        """Add a concept to a space; return False if there is no such space.

        Args:
            space_id: the space's id, or its id in the old platform's routes.
            concept_id: the concept's name.
            concept_data: any of `description`, `prototype`, `weights`, `radius`, `examples`, `text`; without `prototype`,
                `examples` and `text`, the concept is placed by its name and description.
            org_id: the space's organisation; optional for spaces created here, or if the id contains it.

        Raises:
            ValueError: a key of `concept_data` is unknown, or the organisation can't be determined.
            LiftosError: the space already has a concept with this name, or the concept is invalid.
        """
        return await in_thread(self._add_concept)(space_id, concept_id, concept_data, org_id)

    def get_performance_stats(self) -> dict[str, Any]:
        """Return this process's memory operations, the number of spaces of the organisations used here, and cache figures."""
        observability = get_observability()
        totals = observability.totals("memory.")
        return {
            "total_operations": totals.count,
            "successful_operations": totals.successes,
            "success_rate": totals.success_rate,
            "average_operation_time_ms": totals.average_ms,
            "recent_average_time_ms": observability.recent_average_ms("memory"),
            "conceptual_spaces_count": len(self.get_conceptual_spaces()),
            "embedding_cache_stats": self.embedding_manager.stats(),
        }

    def get_conceptual_spaces(self, org_id: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the spaces of an organisation, or of all used here, keyed by their ids in the old platform's routes."""
        names = [org_id] if org_id is not None else list(self._organisations.values())
        found: dict[str, dict[str, Any]] = {}
        for name in names:
            found |= spaces_out(self._principal(name))
        return found

    @unit
    def _add_concept(
        self, space_id: str, concept_id: str, data: Mapping[str, Any], org_id: str | None
    ) -> bool:
        if unknown := sorted(set(data) - _CONCEPT):
            raise ValueError(
                f"unknown keys in concept_data: {', '.join(unknown)}; use {', '.join(sorted(_CONCEPT))}"
            )
        principal = self._principal(org_id if org_id is not None else self._owner(space_id))
        draft = ConceptDraft(
            concept_id, **{**data, "examples": tuple(UUID(str(each)) for each in data.get("examples", ()))}
        )
        if not (draft.prototype or draft.examples or draft.text):
            draft = ConceptDraft(
                concept_id, draft.description, weights=draft.weights, radius=draft.radius,
                text=f"{concept_id}. {draft.description}".strip(". "),
            )  # fmt: skip
        try:
            space = self._space(principal.organisation, space_id)
        except SpaceNotFound:
            return False
        with use_manager(self.embedding_manager):
            add_concept(organisation=principal.organisation, by=principal.actor, space=space, draft=draft)
        return True

    def _principal(self, org_id: str) -> Any:
        principal = principal_of(org_id)
        self._organisations[str(principal.organisation)] = principal.slug
        return principal

    def _owner(self, space_id: str) -> str:
        if space_id in self._spaces:
            return self._spaces[space_id]
        prefix, _, suffix = space_id.rpartition("_")
        if prefix.startswith("space_") and len(suffix) == 8:
            return prefix.removeprefix("space_")
        raise ValueError("org_id is required for this space")

    @staticmethod
    def _space(organisation: UUID, named: str) -> UUID:
        with tenant_transaction(organisation):
            return find_space(organisation=organisation, named=named).id


class MemoryInterface:
    """The old platform's asynchronous memory interface."""

    def __init__(self, enhanced_kse: EnhancedKSEIntegration | None = None) -> None:
        """Create an interface to an integration; by default a new one."""
        self.enhanced_kse = self.kse = enhanced_kse or EnhancedKSEIntegration()

    async def search(
        self,
        org_id: str,
        query: str,
        search_type: str = "hybrid",
        conceptual_space: str | None = None,
        limit: int = 10,
        memory_type: str | None = None,
    ) -> list[dict[str, Any]]:
        """See `EnhancedKSEIntegration.search`."""
        return await self.kse.enhanced_memory_search(
            org_id, query, search_type, conceptual_space, limit, memory_type
        )

    async def store(
        self,
        org_id: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        memory_type: str = "general",
        conceptual_space: str | None = None,
    ) -> str:
        """See `EnhancedKSEIntegration.store`."""
        return await self.kse.store_with_conceptual_mapping(
            org_id, content, metadata, conceptual_space, memory_type
        )

    async def create_conceptual_space(self, org_id: str, name: str, dimensions: Sequence[str]) -> str:
        """See `EnhancedKSEIntegration.create_space`."""
        return await self.kse.create_conceptual_space(org_id, name, dimensions)

    def get_performance_metrics(self) -> dict[str, Any]:
        """See `EnhancedKSEIntegration.get_performance_stats`."""
        return self.kse.get_performance_stats()

    def get_conceptual_spaces_info(self, org_id: str | None = None) -> dict[str, dict[str, Any]]:
        """See `EnhancedKSEIntegration.get_conceptual_spaces`."""
        return self.kse.get_conceptual_spaces(org_id)
