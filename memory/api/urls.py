from django.urls import path

from memory.api import legacy, life, native, seed, seed_more

seed_urlpatterns = [
    path("search", seed.Search.as_view()),
    path("search/neural", seed.NeuralSearch.as_view()),
    path("search/knowledge", seed.KnowledgeSearch.as_view()),
    path("search/conceptual", seed.ConceptualSearch.as_view()),
    path("store", seed.Store.as_view()),
    path("insights", seed_more.Insights.as_view()),
    path("analytics", seed_more.Analytics.as_view()),
    path("context/initialize", seed_more.ContextInitialise.as_view()),
    path("context/stats", seed_more.ContextStatistics.as_view()),
    path("context/<str:org_id>", seed_more.ContextCleanup.as_view()),
    path("performance/metrics", seed_more.PerformanceMetrics.as_view()),
    path("memory/store", legacy.KeyValueStore.as_view()),
    path("memory/search", legacy.ValueSearch.as_view()),
]

urlpatterns = [
    path("memories", native.MemoryCollection.as_view()),
    path("memories/derived-policy", life.DerivedPolicyView.as_view()),
    path("memories/erasure-policy", life.ErasurePolicyView.as_view()),
    path("memories/rejection-policy", life.RejectionPolicyView.as_view()),
    path("memories/bulk", native.MemoryBulk.as_view()),
    path("memories/bulk/<id:job>", native.MemoryBulkJob.as_view()),
    path("memories/<id:memory>", native.MemoryDetail.as_view()),
    path("memories/<id:memory>/history", life.History.as_view()),
    path("memories/<id:memory>/confirm", life.Confirm.as_view()),
    path("memories/<id:memory>/contest", life.Contest.as_view()),
    path("memories/<id:memory>/reject", life.Reject.as_view()),
    path("memories/<id:memory>/supersede", life.Supersede.as_view()),
    path("erasures/<id:erasure>", life.Erasures.as_view()),
    path("search", legacy.SearchOrPage.as_view()),
    path("recent", legacy.Recent.as_view()),
    path("store", legacy.LooseStoreView.as_view()),
    path("memory/search", legacy.ShellSearch.as_view()),
    path("memory/store", legacy.ShellStore.as_view()),
    path("memory/insights", legacy.ShellInsights.as_view()),
    path("search/batch", native.SearchBatch.as_view()),
]
