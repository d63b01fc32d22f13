"""The figures of orchestration in the old platform's `/performance/metrics`."""

from typing import Any
from uuid import UUID

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import list_functions
from workflows.queries import count_executions, count_runs


def get_orchestration_figures(organisation: UUID) -> dict[str, Any]:
    """Return how an organisation's workflows went.

    Runs and executions (of steps) are counted in the database, whichever process carried them out, as long as their runs are
    kept; the cache is that of the process that answers.
    """
    with tenant_transaction(organisation):
        runs = count_runs(organisation=organisation)
        steps = count_executions(organisation=organisation)
    cache = get_function_cache().stats()
    return {
        "total_executions": steps.count,
        "cache_hits": cache["cache_hits"],
        "cache_misses": cache["cache_misses"],
        "cache_hit_rate": cache["cache_hit_rate"],
        "cache_size": cache["cache_size"],
        "max_cache_size": cache["max_cache_size"],
        "average_execution_time_ms": steps.average_ms,
        "total_workflows": runs.runs,
        "active_workflows": runs.active,
        "registered_functions": len({function.name for function in list_functions()}),
    }
