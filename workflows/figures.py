"""Orchestration figures for the old platform's `/performance/metrics`."""

from typing import Any
from uuid import UUID

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import list_functions
from workflows.queries import count_executions, count_runs


def get_orchestration_figures(organisation: UUID) -> dict[str, Any]:
    """Return an organisation's counts of runs and step executions, and this process's cache statistics.

    Runs and executions come from the database: all processes, for as long as the runs are retained.
    """
    with tenant_transaction(organisation):
        runs, active = count_runs(organisation=organisation)
        executions, average_ms = count_executions(organisation=organisation)
    cache = get_function_cache().stats()
    return {
        "total_executions": executions,
        "cache_hits": cache["cache_hits"],
        "cache_misses": cache["cache_misses"],
        "cache_hit_rate": cache["cache_hit_rate"],
        "cache_size": cache["cache_size"],
        "max_cache_size": cache["max_cache_size"],
        "average_execution_time_ms": average_ms,
        "total_workflows": runs,
        "active_workflows": active,
        "registered_functions": len({function.name for function in list_functions()}),
    }
