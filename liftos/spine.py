"""The seed's Python names, over the operations of today, for code that is written against them.

    embedding_manager = EmbeddingManager(cache_size=10000, cache_ttl=3600)
    memory_interface = MemoryInterface(EnhancedKSEIntegration(embedding_manager))
    results = await memory_interface.search(org_id="acme", query="holiday conversions", search_type="hybrid")

For use inside the installation (a shell, a module in the same process): there is no credential here, everything acts as the system. Whoever
is outside uses the HTTP API. An organisation is named by its slug or its id. What is async here does its work in a thread of its
own, so that an event loop never waits for Postgres.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict
from functools import partial
from time import monotonic
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.db import connections

from accountability.chains import get_chain
from accountability.operations import record
from accountability.recording import refuse_reserved
from liftos.db import tenant_transaction
from liftos.embedding import EmbeddingManager
from liftos.functions import Call, find_function, function_names, get_function, list_functions, register
from liftos.observability.collector import MetricsCollector
from liftos.observability.manager import ObservabilityManager, get_observability
from liftos.observability.tracer import LightweightTracer
from liftos.tenancy.queries import get_organisation
from liftos.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from memory.api.search_schemas import seed_hit
from memory.embeddings import use_manager
from memory.operations import remember
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft
from spaces.operations import create_space, named_dimensions
from workflows import queries as workflow_queries
from workflows.definition import parse
from workflows.operations import start
from workflows.shipped import shipped_template
from workflows.templates import publish, save_draft

__all__ = [
    "AccountabilityOrchestrator",
    "EmbeddingManager",
    "EnhancedKSEIntegration",
    "LightweightTracer",
    "MemoryInterface",
    "MetricsCollector",
    "ObservabilityManager",
    "UltraFastOrchestrator",
    "WorkflowOrchestrator",
]

P = ParamSpec("P")
T = TypeVar("T")


def _in_thread(call: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Return a coroutine function that makes a call in a thread, whose connections end with it."""

    def closing(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(closing, thread_sensitive=False)


def _principal(org_id: str | UUID) -> Principal:
    organisation = get_organisation(str(org_id))
    return Principal(organisation.id, organisation.slug, SYSTEM, ALL_SCOPES)


class EnhancedKSEIntegration:
    """Search and storage by the vectors of one embedding manager."""

    def __init__(self, embedding_manager: EmbeddingManager) -> None:
        """Make one; `embedding_manager` must be of the installation's model, or of the organisation's own."""
        self.embedding_manager = embedding_manager

    def search(
        self,
        org_id: str,
        query: str,
        search_type: str = "hybrid",
        limit: int = 10,
        conceptual_space: str | None = None,
        memory_type: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return what is found, in the form of the seed's results.

        Raises:
            OrganisationNotFound, SpaceNotFound: there is none of that name.
            ValueError: an unknown search type.
        """
        principal = _principal(org_id)
        request = SearchRequest(
            query, SearchType(search_type), limit=limit, space=conceptual_space, memory_type=memory_type
        )
        with use_manager(self.embedding_manager):
            answer = search(organisation=principal.organisation, by=principal.actor, request=request)
        return [seed_hit(hit) for hit in answer.hits]

    def store(
        self,
        org_id: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        memory_type: str = "general",
    ) -> str:
        """Store a memory; return its id."""
        principal = _principal(org_id)
        draft = MemoryDraft(content, dict(metadata or {}), memory_type=memory_type)
        with use_manager(self.embedding_manager):
            return str(remember(organisation=principal.organisation, by=principal.actor, draft=draft).id)

    def create_space(self, org_id: str, name: str, dimensions: Sequence[str]) -> str:
        """Make a conceptual space from names of dimensions; return its id."""
        principal = _principal(org_id)
        space = create_space(
            organisation=principal.organisation,
            by=principal.actor,
            name=name,
            dimensions=named_dimensions(dimensions),
        )
        return str(space.id)


class MemoryInterface:
    """The seed's four calls, for code that runs in an event loop."""

    def __init__(self, kse: EnhancedKSEIntegration) -> None:
        """Make one over an integration."""
        self.kse = kse

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
        return await _in_thread(self.kse.search)(
            org_id, query, search_type, limit, conceptual_space, memory_type
        )

    async def store(
        self,
        org_id: str,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        memory_type: str = "general",
    ) -> str:
        """See `EnhancedKSEIntegration.store`."""
        return await _in_thread(self.kse.store)(org_id, content, metadata, memory_type)

    async def create_conceptual_space(self, org_id: str, name: str, dimensions: Sequence[str]) -> str:
        """See `EnhancedKSEIntegration.create_space`."""
        return await _in_thread(self.kse.create_space)(org_id, name, dimensions)

    def get_performance_metrics(self) -> dict[str, Any]:
        """Return this process's operations on memories, and the cache of this interface's manager."""
        totals = get_observability().totals("memory.")
        return {
            "total_operations": totals.count,
            "successful_operations": totals.successes,
            "success_rate": totals.success_rate,
            "average_operation_time_ms": totals.average_ms,
            "embedding_cache_stats": self.kse.embedding_manager.stats(),
        }


class AccountabilityOrchestrator:
    """Puts decisions of one organisation on record, and shows their chains."""

    def __init__(self, org_id: str = "default_org") -> None:
        """Make one; the organisation must exist when it is first used."""
        self.org_id = org_id

    def record_decision(
        self,
        operation: str,
        reasoning: str,
        *,
        confidence: float | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        parents: Sequence[str | UUID] = (),
    ) -> str:
        """Record one; return its id.

        Raises:
            LiftosError: a confidence outside 0..1, an unknown parent, an operation of the service's own.
        """
        refuse_reserved(operation=operation)
        principal = _principal(self.org_id)
        with tenant_transaction(principal.organisation):
            decision = record(
                organisation=principal.organisation,
                by=principal.actor,
                operation=operation,
                reasoning=reasoning,
                confidence=confidence,
                inputs=dict(inputs or {}),
                outputs=dict(outputs or {}),
                parents=[UUID(str(parent)) for parent in parents],
            )
        return str(decision)

    def get_decision_chain(self, decision: str | UUID) -> list[dict[str, Any]]:
        """Return the decisions before and after one, earliest first.

        Raises:
            DecisionNotFound: there is none.
        """
        organisation = _principal(self.org_id).organisation
        with tenant_transaction(organisation):
            steps = get_chain(organisation=organisation, decision=UUID(str(decision)))
        return [asdict(step.decision) | {"distance": step.distance} for step in steps]


class UltraFastOrchestrator:
    """Calls functions, of the registry or its own, never more than `max_workers` at once."""

    def __init__(self, max_workers: int = 10, observability: ObservabilityManager | None = None) -> None:
        """Make one.

        Args:
            max_workers: calls in work at once.
            observability: what watches them; the process's own by default.
        """
        self.max_workers = max_workers
        self.observability = observability or get_observability()
        self._threads = ThreadPoolExecutor(max_workers, thread_name_prefix="spine")

    def register_function(self, name: str, function: Callable[..., Any]) -> None:
        """Offer a function, a bound method too, to every workflow of this process under a name."""
        register(name)(function)

    def registered_functions(self) -> list[str]:
        """Return the names under which functions can be called."""
        return [each.name for each in list_functions()]

    def execute(
        self, org_id: str, name: str, arguments: Mapping[str, Any], timeout_seconds: float = 30.0
    ) -> Any:
        """Call a registered function, and return its result.

        Raises:
            FunctionNotFound, InvalidRequest: there is none of the name, or it takes other arguments.
        """
        return self._submit(org_id, name, arguments, timeout_seconds).result()

    def execute_many(
        self, org_id: str, name: str, arguments: Sequence[Mapping[str, Any]], timeout_seconds: float = 30.0
    ) -> list[Any]:
        """Call a function once for each set of arguments, side by side; return the results in their order."""
        calls = [self._submit(org_id, name, each, timeout_seconds) for each in arguments]
        return [call.result() for call in calls]

    def _submit(self, org_id: str, name: str, arguments: Mapping[str, Any], timeout_seconds: float) -> Any:
        function = get_function(name)
        values = function.parse(arguments)
        call = Call(_principal(org_id), key=str(uuid4()), deadline=monotonic() + timeout_seconds)

        def run() -> Any:
            try:
                with self.observability.observe_operation(
                    "function", function=name, organisation=str(call.organisation)
                ):
                    return function.call(call, values)
            finally:
                connections.close_all()

        # the caller's trace goes along
        return self._threads.submit(partial(copy_context().run, run))

    def close(self) -> None:
        """Let the threads go when their calls have ended."""
        self._threads.shutdown()


class WorkflowOrchestrator:
    """Registers templates by a name, and runs them for organisations."""

    def __init__(self, orchestrator: UltraFastOrchestrator | None = None) -> None:
        """Make one; runs are carried out by the engine, in this process and its workers."""
        self.orchestrator = orchestrator
        self._templates: dict[str, dict[str, Any]] = {}

    def register_workflow_template(self, name: str, template: Mapping[str, Any]) -> None:
        """Take a template, in the seed's form or ours.

        Raises:
            Faulty: everything that is wrong with it.
        """
        parse(template, functions=find_function, names=function_names)
        self._templates[name] = dict(template)

    def list_workflow_templates(self) -> list[str]:
        """Return the names of those that were registered here."""
        return sorted(self._templates)

    def remove_workflow_template(self, name: str) -> None:
        """Forget one.

        Raises:
            KeyError: it was not registered here.
        """
        del self._templates[name]

    def execute_workflow(
        self,
        org_id: str,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        wait_seconds: float = 30.0,
    ) -> dict[str, Any]:
        """Run a template that was registered, or comes with the product, for an organisation, publishing it there if it is new or has changed.

        Steps have their timeouts and retries, and run beside one another, as in a worker; no worker need be there.

        Returns:
            `id`, `status`, and `results`: each step's, by its name. After `wait_seconds` the status may still be `running`: the run
            goes on while this process lives.

        Raises:
            KeyError: it was not registered here, and does not come with the product.
            Faulty: a parameter is missing, surplus or of the wrong kind.
        """
        principal, payload = _principal(org_id), self._templates.get(name) or shipped_template(name)
        if payload is None:
            raise KeyError(name)
        self._publish(principal, payload)
        started = start(
            principal=principal,
            template=payload["name"],
            parameters=dict(parameters or {}),
            wait=wait_seconds,
            # there may be no worker, and none that knows this process's own functions
            go_on=True,
        )
        with tenant_transaction(principal.organisation):
            run = workflow_queries.get_run(organisation=principal.organisation, run=started.id)
            steps = workflow_queries.list_steps(run=run)
        return {
            "id": str(run.id),
            "status": str(run.status),
            "results": {step.name: step.result for step in steps},
        }

    def _publish(self, principal: Principal, payload: dict[str, Any]) -> None:
        organisation = principal.organisation
        with tenant_transaction(organisation):
            known = {
                each.name: each
                for each in workflow_queries.list_templates(organisation=organisation, limit=10_000)
            }
            row = known.get(payload["name"])
            if row is not None:
                newest = workflow_queries.published_version(
                    organisation=organisation, template=row, number=None
                )
                if newest.payload == payload:
                    return
            draft = save_draft(
                organisation=organisation,
                by=principal.actor,
                payload=payload,
                template=row.id if row is not None else None,
            )
            publish(organisation=organisation, by=principal.actor, template=draft.template_id)
