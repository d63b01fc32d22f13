from django.urls import path

from memory.api import native, seed

seed_urlpatterns = [
    path("search", seed.Search.as_view()),
    path("search/neural", seed.NeuralSearch.as_view()),
    path("search/knowledge", seed.KnowledgeSearch.as_view()),
    path("search/conceptual", seed.ConceptualSearch.as_view()),
    path("search/batch", seed.BatchSearch.as_view()),
    path("store", seed.Store.as_view()),
]

urlpatterns = [
    path("memories", native.MemoryCollection.as_view()),
    path("memories/bulk", native.MemoryBulk.as_view()),
    path("memories/<uuid:memory>", native.MemoryDetail.as_view()),
    path("search", native.Search.as_view()),
    path("search/batch", native.SearchBatch.as_view()),
]
