"""Health and readiness checks."""

from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.embedding import get_manager
from liftos.kernel.outbox.backlog import read_backlog
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.metrics.load import METER, Load
from memory.queries import list_organisations_with_pending

STARTED = monotonic()

_migrated = False


@dataclass(frozen=True, slots=True)
class Check:
    """The state of one component."""

    ok: bool
    result: str


def check_database() -> Check:
    """Query Postgres as the application role."""
    started = perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return Check(ok=False, result="not reachable")
    return Check(ok=True, result=f"{(perf_counter() - started) * 1e3:.1f} ms")


def check_redis() -> Check:
    """Read from Redis."""
    try:
        caches["default"].get("liftos:health")
    except (RedisError, OSError):
        return Check(ok=False, result="not reachable")
    return Check(ok=True, result="reachable")


def check_migrations() -> Check:
    """Check that all migrations are applied; cached once they are."""
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        except (DatabaseError, InterfaceError):
            return Check(ok=False, result="unknown")
        if waiting:
            return Check(ok=False, result=f"{waiting} migrations pending")
        _migrated = True
    return Check(ok=True, result="applied")


def check_embeddings() -> Check:
    """Check that no memories lack a vector; otherwise the embedder is or was unavailable."""
    try:
        waiting = len(list_organisations_with_pending())
    except (DatabaseError, InterfaceError):
        return Check(ok=False, result="unknown")
    return Check(ok=not waiting, result=f"{waiting} organisations have pending vectors")


def check_events() -> Check:
    """Check that the relay is at work: no event waits longer than LIFTOS_EVENTS_LAG_SECONDS."""
    try:
        found = read_backlog()
    except (DatabaseError, InterfaceError):
        return Check(ok=False, result="unknown")
    late = 0 < settings.LIFTOS_EVENTS_LAG_SECONDS < found.lag_seconds
    return Check(ok=not late, result=f"{found.waiting} events wait, {found.lag_seconds:.0f} s")


def uptime() -> float:
    """Return seconds since this process started serving."""
    return monotonic() - STARTED


def load() -> Load:
    """Return this process's load."""
    return METER.read(settings.LIFTOS_WEB_THREADS)


def dependencies(*, healthy: bool, organisations: int) -> dict[str, str]:
    """Return the contract's nine strings."""
    cache, observability = get_manager().stats(), get_observability()
    operations = observability.totals("memory.")
    return {
        "kse_sdk": "healthy" if healthy else "degraded",
        "active_contexts": str(organisations),
        "embedding_cache_hit_rate": _percent(cache["hit_rate"]),
        "embedding_cache_size": str(cache["cache_size"]),
        "memory_operations": str(operations.count),
        "memory_success_rate": _percent(operations.success_rate),
        "orchestration_cache_hit_rate": _percent(get_function_cache().stats()["cache_hit_rate"]),
        # of this process: the total over all organisations must not be public
        "total_workflows": str(
            sum(observability.totals(name).count for name in ("workflow.run", "workflow.create"))
        ),
        "observability_traces": str(observability.tracer.stats()["completed_spans"]),
    }


def _percent(rate: Any) -> str:
    return f"{float(rate) * 100:.2f}%"
