"""The old platform's orchestrator: calling functions, and building workflows task by task."""

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
    """Calls registered functions and executes workflows, at most `max_workers` calls or steps in parallel."""

    def __init__(
        self,
        max_workers: int = 10,
        cache_size: int = 10_000,
        cache_ttl: float = 3_600,
        observability: manager.ObservabilityManager | None = None,
    ) -> None:
        """Create an orchestrator.

        Args:
            max_workers: maximum number of parallel calls.
            cache_size: maximum number of cached results; with the defaults, the process's shared cache is used.
            cache_ttl: lifetime of a cached result, seconds.
            observability: traces and measures the calls; by default the process's manager.
        """
        self.max_workers = max_workers
        self.observability = observability or get_observability()
        self._cache = _own_cache(cache_size, cache_ttl)
        self._threads = ThreadPoolExecutor(max_workers, thread_name_prefix="spine")
        self._built: dict[str, Built] = {}

    def register_function(
        self, name: str, function: Callable[..., Any], *, cacheable: bool = False, reads: Sequence[str] = ()
    ) -> None:
        """Register a function or bound method for all workflows of this process.

        Args:
            name: to call it by.
            function: called with keyword arguments.
            cacheable: whether it has no side effects and its result may be cached.
            reads: the data its result depends on, for example `memories`.
        """
        register(name, cacheable=cacheable, reads=reads)(function)

    def registered_functions(self) -> list[str]:
        """Return the names of the registered functions."""
        return [each.name for each in list_functions()]

    @unit
    def execute(
        self, org_id: str, name: str, arguments: Mapping[str, Any], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> Any:
        """Call a registered function and return its result.

        Raises:
            FunctionNotFound, InvalidRequest: the function is unknown, or its arguments are invalid.
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
        """Call a function for several sets of arguments in parallel; return the results in their order."""
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
        """Call a registered function, or return its cached result if it is cacheable and the data it reads is unchanged.

        Args:
            function_name: as registered.
            args: in the order of its parameters.
            kwargs: by name.
            org_id: by default the observability manager's organisation.

        Raises:
            FunctionNotFound, OrganisationNotFound: the function or organisation is unknown.
            InvalidRequest: the arguments are invalid.
        """
        arguments = named_arguments(get_function(function_name), args, kwargs)
        return await in_thread(self._cached)(org_id or self.observability.org, function_name, arguments)

    def create_workflow(self, name: str, org_id: str, metadata: Mapping[str, Any] | None = None) -> str:
        """Create an empty workflow; return its id. Nothing is written to the database before it is executed.

        Raises:
            OrganisationNotFound: there is no such organisation.
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
        """Add a task to a workflow that has not been executed; return the task's id.

        Args:
            workflow_id: from `create_workflow`.
            task_name: shown in the status.
            function_name: as registered.
            args: in the order of its parameters.
            kwargs: by name.
            dependencies: ids of tasks that must end first.
            priority: 1 runs before 5.
            timeout_seconds: of one attempt; by default the engine's.
            max_retries: attempts after the first.

        Raises:
            RunNotFound: there is no such workflow in this orchestrator.
            FunctionNotFound: the function is unknown.
            ValueError: the workflow has already been executed, or a dependency is unknown.
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
        """Execute a workflow on the engine, with at most `max_workers` parallel tasks in this process.

        Args:
            workflow_id: from `create_workflow`.
            context: passed to functions that declare a `context`.
            wait_seconds: maximum wait; remaining tasks continue for as long as this process lives.

        Returns:
            `workflow_id`, `status`, `execution_time_ms`, `task_results` by task id, `tasks_executed`, `run_id`.

        Raises:
            RunNotFound: there is no such workflow in this orchestrator.
            Faulty: it is invalid: cyclic dependencies, or invalid arguments.
            ValueError: it has already been executed.
        """
        return await in_thread(self._execute_workflow)(workflow_id, dict(context or {}), wait_seconds)

    def get_orchestration_stats(self, org_id: str | None = None) -> dict[str, Any]:
        """Return an organisation's orchestration figures, and those of this orchestrator's cache."""
        figures = orchestration_figures()(principal_of(org_id or self.observability.org).organisation)
        return figures | (self._cache or get_function_cache()).stats()

    def get_workflow_status(self, workflow_id: str) -> dict[str, Any]:
        """Return a workflow's status by task, in the shape of the old platform's route.

        Raises:
            RunNotFound: there is no such workflow in this orchestrator.
        """
        built = self._workflow(workflow_id)
        return built.status() if built.run is None else built.named(status_of(built.principal, built.run))

    def close(self) -> None:
        """Wait for running calls and end the threads."""
        self._threads.shutdown()

    def _workflow(self, workflow: str) -> Built:
        if workflow not in self._built:
            raise RunNotFound(f"There is no workflow {workflow} in this orchestrator.")
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

        # in the caller's trace
        within: Callable[[], Any] = partial(copy_context().run, run)
        submitted: Future[Any] | Callable[[], Any] = self._threads.submit(within) if begin else within
        return submitted


def named_arguments(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return positional and keyword arguments by name.

    Raises:
        TypeError: too many positional arguments, or an argument is given twice.
    """
    names = list(function.schema.model_fields)
    if len(args) > len(names):
        raise TypeError(f"{function.name} takes {len(names)} arguments, not {len(args)}")
    placed = dict(zip(names, args, strict=False))
    if twice := sorted(placed.keys() & (kwargs or {}).keys()):
        raise TypeError(f"{function.name} got multiple values for {', '.join(twice)}")
    return placed | dict(kwargs or {})


def _own_cache(size: int, ttl: float) -> FunctionCache | None:
    if (size, ttl) == _CACHE:
        return None
    return FunctionCache(
        size, ttl, RedisResults("default", ttl=max(1, round(ttl))), secret=settings.SECRET_KEY.encode()
    )
