"""The old platform's public Python names, implemented in `liftos.compat.names`."""

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
