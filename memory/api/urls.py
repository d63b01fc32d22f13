from django.urls import path

from memory.api import native, trust

urlpatterns = [
    path("memories", native.MemoryCollection.as_view()),
    path("memories/derived-policy", trust.DerivedPolicyView.as_view()),
    path("memories/erasure-policy", trust.ErasurePolicyView.as_view()),
    path("memories/rejection-policy", trust.RejectionPolicyView.as_view()),
    path("memories/bulk", native.MemoryBulk.as_view()),
    path("memories/bulk/<id:job>", native.MemoryBulkJob.as_view()),
    path("memories/<id:memory>", native.MemoryDetail.as_view()),
    path("memories/<id:memory>/history", trust.History.as_view()),
    path("memories/<id:memory>/confirm", trust.Confirm.as_view()),
    path("memories/<id:memory>/contest", trust.Contest.as_view()),
    path("memories/<id:memory>/reject", trust.Reject.as_view()),
    path("memories/<id:memory>/supersede", trust.Supersede.as_view()),
    path("erasures/<id:erasure>", trust.Erasures.as_view()),
    path("search/batch", native.SearchBatch.as_view()),
]
