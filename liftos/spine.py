"""The old platform's Python names as its callers import them; what they are stands in `liftos.compat.names`."""

from liftos.compat.names import (
    AccountabilityOrchestrator,
    EmbeddingManager,
    EnhancedKSEIntegration,
    LightweightTracer,
    MemoryInterface,
    MetricsCollector,
    ObservabilityManager,
    TaskPriority,
    TraceLevel,
    UltraFastOrchestrator,
    WorkflowOrchestrator,
    WorkflowStatus,
)

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
