"""The old platform's Python names on top of today's operations, for existing code (docs/python.md).

    embedding_manager = EmbeddingManager(cache_size=10000, cache_ttl=3600)
    memory_interface = MemoryInterface(EnhancedKSEIntegration(embedding_manager))
    results = await memory_interface.search(org_id="acme", query="holiday conversions", search_type="hybrid")

For use inside the installation (scripts, shells, modules in the same process): there are no credentials, everything runs as the system
actor. External clients use the HTTP API. Organisations are given by slug or id. Coroutines do their work in a thread, so an event
loop never waits for Postgres. Importing this module in a plain process sets Django up.
"""

from liftos.compat.names.accountability import AccountabilityOrchestrator, ObservabilityManager
from liftos.compat.names.functions import UltraFastOrchestrator
from liftos.compat.names.memory import EmbeddingManager, EnhancedKSEIntegration, MemoryInterface
from liftos.compat.names.tracing import LightweightTracer, MetricsCollector
from liftos.compat.names.workflows import WorkflowOrchestrator
from liftos.kernel.telemetry.tracing.spans import SpanLevel as TraceLevel
from workflows.types import Priority as TaskPriority
from workflows.types import RunStatus as WorkflowStatus

__all__ = [
    "AccountabilityOrchestrator",
    "EmbeddingManager",
    "EnhancedKSEIntegration",
    "LightweightTracer",
    "MemoryInterface",
    "MetricsCollector",
    "ObservabilityManager",
    "TaskPriority",
    "TraceLevel",
    "UltraFastOrchestrator",
    "WorkflowOrchestrator",
    "WorkflowStatus",
]
