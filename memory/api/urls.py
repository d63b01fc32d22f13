from django.urls import path

from memory.api import (
    bulk,
    conversations,
    corrections,
    documents,
    erasures,
    history,
    memories,
    memory,
    policies,
    search_batch,
)

urlpatterns = [
    path("memories", memories.MemoryCollection.as_view()),
    path("memories/derived-policy", policies.DerivedPolicyView.as_view()),
    path("memories/erasure-policy", policies.ErasurePolicyView.as_view()),
    path("memories/rejection-policy", policies.RejectionPolicyView.as_view()),
    path("memories/bulk", bulk.MemoryBulk.as_view()),
    path("memories/bulk/<id:job>", bulk.MemoryBulkJob.as_view()),
    path("memories/<id:memory>", memory.MemoryDetail.as_view()),
    path("memories/<id:memory>/history", history.History.as_view()),
    path("memories/<id:memory>/confirm", corrections.Confirm.as_view()),
    path("memories/<id:memory>/contest", corrections.Contest.as_view()),
    path("memories/<id:memory>/reject", corrections.Reject.as_view()),
    path("memories/<id:memory>/supersede", corrections.Supersede.as_view()),
    path("conversations/<str:thread>/turns", conversations.ConversationTurns.as_view()),
    path("documents", documents.DocumentCollection.as_view()),
    path("documents/jobs/<id:job>", documents.DocumentJobDetail.as_view()),
    path("documents/<id:document>", documents.DocumentDetail.as_view()),
    path("documents/<id:document>/original", documents.DocumentOriginal.as_view()),
    path("documents/<id:document>/passages", documents.DocumentPassages.as_view()),
    path("erasures/<id:erasure>", erasures.Erasures.as_view()),
    path("search/batch", search_batch.SearchBatch.as_view()),
]
