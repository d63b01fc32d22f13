"""The old platform's orchestrator: calls functions, and builds workflows of them task by task."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connections

from liftos.compat.names.building import Built
from liftos.compat.names.calls import in_thread, principal_of, unit
from liftos.compat.names.running import finish, status_of
from liftos.kernel.caching.results import FunctionCache, RedisResults, get_function_cache
from liftos.kernel.functions import Call, Function, get_function, list_functions, register
from liftos.kernel.ports import orchestration_figures
from liftos.kernel.telemetry import manager
from liftos.kernel.telemetry.manager import get_observability
from workflows.engine.starting import CODE_DIGITS
from workflows.errors import RunNotFound
from workflows.types import Priority, workflow_id

TIMEOUT_SECONDS = 30.0
WAIT_SECONDS = 600.0
_CACHE = 10_000, 3_600.0


class UltraFastOrchestrator:
    """Calls functions, of the registry or its own, never more than `max_workers` at once."""

    def __init__(
        self,
        max_workers: int = 10,
        cache_size: int = 10_000,
        cache_ttl: float = 3_600,
        observability: manager.ObservabilityManager | None = None,
    ) -> None:
        """Make one.

        Args:
            max_workers: calls in work at once.
            cache_size: results of cacheable functions that are kept; the process's own cache by default.
            cache_ttl: seconds a result is kept.
            observability: what watches them; the process's own by default.
        """
        self.max_workers = max_workers
        self.observability = observability or get_observability()
        self._cache = _own_cache(cache_size, cache_ttl)
        self._threads = ThreadPoolExecutor(max_workers, thread_name_prefix="spine")
        self._built: dict[str, Built] = {}

    def register_function(
        self, name: str, function: Callable[..., Any], *, cacheable: bool = False, reads: Sequence[str] = ()
    ) -> None:
        """Offer a function, a bound method too, to every workflow of this process under a name.

        Args:
            name: by which it is called.
            function: what is called; it takes its arguments by name.
            cacheable: it has no effects, and its result may be used again.
            reads: what its result depends on, for example `memories`.
        """
        register(name, cacheable=cacheable, reads=reads)(function)

    def registered_functions(self) -> list[str]:
        """Return the names under which functions can be called."""
        return [each.name for each in list_functions()]

    @unit
    def execute(
        self, org_id: str, name: str, arguments: Mapping[str, Any], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> Any:
        """Call a registered function, and return its result.

        Raises:
            FunctionNotFound, InvalidRequest: there is none of the name, or it takes other arguments.
        """
        return self._submit(org_id, name, arguments, timeout_seconds).result()

    @unit
    def execute_many(
        self,
        org_id: str,
        name: str,
        arguments: Sequence[Mapping[str, Any]],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> list[Any]:
        """Call a function once for each set of arguments, side by side; return the results in their order."""
        calls = [self._submit(org_id, name, each, timeout_seconds) for each in arguments]
        return [call.result() for call in calls]

    async def execute_function_cached(
        self,
        function_name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        org_id: str | None = None,
    ) -> Any:
        """Call a registered function, or return its result of before where it is cacheable and what it reads is unchanged.

        Args:
            function_name: as it was registered.
            args: in the order of its parameters.
            kwargs: by name.
            org_id: for whom; the observability's organisation by default.

        Raises:
            FunctionNotFound, InvalidRequest, OrganisationNotFound: there is none of the name, or it takes other arguments.
        """
        arguments = named_arguments(get_function(function_name), args, kwargs)
        return await in_thread(self._cached)(org_id or self.observability.org, function_name, arguments)

    def create_workflow(self, name: str, org_id: str, metadata: Mapping[str, Any] | None = None) -> str:
        """Begin a workflow, to be given tasks; return its id. Nothing is written before it is executed.

        Raises:
            OrganisationNotFound: there is none of that name.
        """
        principal = principal_of(org_id)
        workflow = workflow_id(principal.slug, uuid4().hex[-CODE_DIGITS:])
        self._built[workflow] = Built(workflow, name, principal, dict(metadata or {}))
        return workflow

    def add_task(
        self,
        workflow_id: str,
        task_name: str,
        function_name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        dependencies: Sequence[str] | None = None,
        priority: int = Priority.NORMAL,
        timeout_seconds: float | None = None,
        max_retries: int = 3,
    ) -> str:
        """Add a task to a workflow that was not executed yet; return its id.

        Args:
            workflow_id: from `create_workflow`.
            task_name: shown in the status.
            function_name: as it was registered.
            args: in the order of its parameters.
            kwargs: by name.
            dependencies: ids of tasks that must have ended.
            priority: 1 before 5.
            timeout_seconds: how long the function may take; the engine's own limit by default.
            max_retries: how often it is tried again.

        Raises:
            RunNotFound: there is no such workflow here.
            FunctionNotFound: there is none of the name.
            ValueError: the workflow was executed, or a dependency is unknown.
        """
        built = self._workflow(workflow_id)
        arguments = named_arguments(get_function(function_name), args, kwargs)
        return built.add(
            task_name, function_name, arguments, dependencies or (),
            priority=int(priority), timeout_seconds=timeout_seconds, max_retries=max_retries,
        )  # fmt: skip

    async def execute_workflow(
        self, workflow_id: str, context: Mapping[str, Any] | None = None, wait_seconds: float = WAIT_SECONDS
    ) -> dict[str, Any]:
        """Carry a workflow out by the engine, with at most `max_workers` tasks at once in this process.

        Args:
            workflow_id: from `create_workflow`.
            context: handed to the functions that declare a `context`.
            wait_seconds: how long at most; what is left then goes on while this process lives.

        Returns:
            `workflow_id`, `status`, `execution_time_ms`, `task_results` by task id, `tasks_executed`, `run_id`.

        Raises:
            RunNotFound: there is no such workflow here.
            Faulty: what is wrong with it: a circle, arguments that the function does not take.
            ValueError: it was executed before.
        """
        return await in_thread(self._execute_workflow)(workflow_id, dict(context or {}), wait_seconds)

    def get_orchestration_stats(self, org_id: str | None = None) -> dict[str, Any]:
        """Return how an organisation's workflows went, with the figures of this orchestrator's cache."""
        figures = orchestration_figures()(principal_of(org_id or self.observability.org).organisation)
        return figures | (self._cache or get_function_cache()).stats()

    def get_workflow_status(self, workflow_id: str) -> dict[str, Any]:
        """Return how far a workflow has come, task by task, as the old platform's route tells it.

        Raises:
            RunNotFound: there is no such workflow.
        """
        built = self._workflow(workflow_id)
        return built.status() if built.run is None else built.named(status_of(built.principal, built.run))

    def close(self) -> None:
        """Let the threads go when their calls have ended."""
        self._threads.shutdown()

    def _workflow(self, workflow: str) -> Built:
        if workflow not in self._built:
            raise RunNotFound(f"There is no workflow {workflow} here.")
        return self._built[workflow]

    @unit
    def _execute_workflow(self, workflow: str, context: dict[str, Any], seconds: float) -> dict[str, Any]:
        built, started = self._workflow(workflow), monotonic()
        built.start(context)
        status = finish(built.principal, built.run, at_once=self.max_workers, seconds=seconds)
        return built.answer(status, (monotonic() - started) * 1e3)

    @unit
    def _cached(self, org_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        function, principal = get_function(name), principal_of(org_id)
        cache = self._cache or get_function_cache()
        call = self._submit(org_id, name, arguments, TIMEOUT_SECONDS, begin=False)
        result, _ = cache.call(
            function, principal.organisation, arguments, lambda: self._threads.submit(call).result()
        )
        return result

    def _submit(
        self,
        org_id: str,
        name: str,
        arguments: Mapping[str, Any],
        timeout_seconds: float,
        *,
        begin: bool = True,
    ) -> Any:
        function = get_function(name)
        values = function.parse(arguments)
        call = Call(principal_of(org_id), key=str(uuid4()), deadline=monotonic() + timeout_seconds)

        def run() -> Any:
            try:
                with self.observability.observe_operation(
                    "function", function=name, organisation=str(call.organisation)
                ):
                    return function.call(function.ready(call, values), values)
            finally:
                connections.close_all()

        # the caller's trace goes along
        within: Callable[[], Any] = partial(copy_context().run, run)
        submitted: Future[Any] | Callable[[], Any] = self._threads.submit(within) if begin else within
        return submitted


def named_arguments(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return positional and named arguments by name.

    Raises:
        TypeError: there are more than the function has parameters, or one is given twice.
    """
    names = list(function.schema.model_fields)
    if len(args) > len(names):
        raise TypeError(f"{function.name} takes {len(names)} arguments, not {len(args)}")
    placed = dict(zip(names, args, strict=False))
    if twice := sorted(placed.keys() & (kwargs or {}).keys()):
        raise TypeError(f"{function.name} is given {', '.join(twice)} twice")
    return placed | dict(kwargs or {})


def _own_cache(size: int, ttl: float) -> FunctionCache | None:
    if (size, ttl) == _CACHE:
        return None
    return FunctionCache(
        size, ttl, RedisResults("default", ttl=max(1, round(ttl))), secret=settings.SECRET_KEY.encode()
    )
