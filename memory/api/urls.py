from django.urls import path

from memory.api import life, native

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
    path("search/batch", native.SearchBatch.as_view()),
]
