"""The old platform's routes: at the root, and those that its other programs call under /api/v1/ (docs/compat.md).

`GET /api/v1/search` is in `liftos.urls`, because it shares its path with a native route.
"""

from django.urls import path

from liftos.compat.routes import aliases, causal, marketing, memory, organisation, spaces, workflows

urlpatterns = [
    path("search", memory.Search.as_view()),
    path("search/neural", memory.NeuralSearch.as_view()),
    path("search/knowledge", memory.KnowledgeSearch.as_view()),
    path("search/conceptual", memory.ConceptualSearch.as_view()),
    path("search/batch", workflows.BatchSearch.as_view()),
    path("store", memory.Store.as_view()),
    path("insights", organisation.Insights.as_view()),
    path("analytics", organisation.Analytics.as_view()),
    path("context/initialize", organisation.ContextInitialise.as_view()),
    path("context/stats", organisation.ContextStatistics.as_view()),
    path("context/<str:org_id>", organisation.ContextCleanup.as_view()),
    path("performance/metrics", organisation.PerformanceMetrics.as_view()),
    path("memory/store", aliases.KeyValueStore.as_view()),
    path("memory/search", aliases.ValueSearch.as_view()),
    path("marketing/ingest", marketing.MarketingIngest.as_view()),
    path("marketing/search", marketing.MarketingSearch.as_view()),
    path("marketing/insights", marketing.MarketingInsights.as_view()),
    path("marketing/calendar/<str:year>", marketing.MarketingCalendar.as_view()),
    path("marketing/export/causal", marketing.MarketingExport.as_view()),
    path("marketing/data", marketing.MarketingData.as_view()),
    path("marketing/transform", marketing.MarketingTransform.as_view()),
    path("conceptual-spaces/create", spaces.CreateSpace.as_view()),
    path("conceptual-spaces", spaces.ListSpaces.as_view()),
    path("workflows/create", workflows.WorkflowCreate.as_view()),
    path("workflows/<str:workflow>/status", workflows.WorkflowStatus.as_view()),
]

api_urlpatterns = [
    path("recent", aliases.Recent.as_view()),
    path("store", aliases.StoreLoosely.as_view()),
    path("memory/search", aliases.ShellSearch.as_view()),
    path("memory/store", aliases.ShellStore.as_view()),
    path("data/ingest", marketing.DataIngest.as_view()),
    path("marketing/ingest/causal", causal.CausalIngest.as_view()),
    path("marketing/causal/search", causal.CausalSearch.as_view()),
    path("marketing/causal/<str:experiment_id>", causal.CausalExperiment.as_view()),
    path("marketing/confounders", causal.CausalConfounders.as_view()),
    path("memory/insights", aliases.ShellInsights.as_view()),
]
