"""The old platform's Python names, over the operations of today, for code that is written against them (docs/python.md).

    embedding_manager = EmbeddingManager(cache_size=10000, cache_ttl=3600)
    memory_interface = MemoryInterface(EnhancedKSEIntegration(embedding_manager))
    results = await memory_interface.search(org_id="acme", query="holiday conversions", search_type="hybrid")

For use inside the installation (a script, a shell, a module in the same process): there is no credential here, everything acts as
the system. Whoever is outside uses the HTTP API. An organisation is named by its slug or its id. What is async here does its
work in a thread of its own, so that an event loop never waits for Postgres. Importing this in a plain process sets Django up.
"""

from liftos.compat.names.assembling import assemble

assemble()

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
