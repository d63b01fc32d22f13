"""The figures of orchestration in the seed's `/performance/metrics`."""

from typing import Any
from uuid import UUID

from liftos.db import tenant_transaction
from liftos.function_cache import get_function_cache
from liftos.functions import list_functions
from liftos.observability.manager import get_observability
from workflows.queries import count_runs


def get_orchestration_figures(organisation: UUID) -> dict[str, Any]:
    """Return how an organisation's workflows went.

    Runs are counted in the database; executions (of steps) and their times are those of this process since its start, as the
    memory figures are; the cache is the whole process's.
    """
    with tenant_transaction(organisation):
        runs = count_runs(organisation=organisation)
    steps = get_observability().totals("workflow.step", str(organisation))
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
