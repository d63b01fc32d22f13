"""Is the service well, and may it be sent requests?"""

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
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.metrics.load import METER, Load
from memory.queries import list_organisations_with_pending

STARTED = monotonic()

_migrated = False


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state."""

    ok: bool
    result: str


def check_database() -> Check:
    """Ask Postgres for something as the application role."""
    started = perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return Check(ok=False, result="not reachable")
    return Check(ok=True, result=f"{(perf_counter() - started) * 1e3:.1f} ms")


def check_redis() -> Check:
    """Ask Redis for something."""
    try:
        caches["default"].get("liftos:health")
    except (RedisError, OSError):
        return Check(ok=False, result="not reachable")
    return Check(ok=True, result="reachable")


def check_migrations() -> Check:
    """Tell whether the tables are as this version wants them; asked until they are."""
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        except (DatabaseError, InterfaceError):
            return Check(ok=False, result="not known")
        if waiting:
            return Check(ok=False, result=f"{waiting} migrations wait")
        _migrated = True
    return Check(ok=True, result="applied")


def check_embeddings() -> Check:
    """Tell whether memories wait for a vector: then the embedder is, or was just now, away."""
    try:
        waiting = len(list_organisations_with_pending())
    except (DatabaseError, InterfaceError):
        return Check(ok=False, result="not known")
    return Check(ok=not waiting, result=f"{waiting} organisations wait for vectors")


def uptime() -> float:
    """Return seconds since this process started serving."""
    return monotonic() - STARTED


def load() -> Load:
    """Return how busy this process is."""
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
        # runs that this process was asked for; what there is in all, no organisation may be told
        "total_workflows": str(
            sum(observability.totals(name).count for name in ("workflow.run", "workflow.create"))
        ),
        "observability_traces": str(observability.tracer.stats()["completed_spans"]),
    }


def _percent(rate: Any) -> str:
    return f"{float(rate) * 100:.2f}%"
