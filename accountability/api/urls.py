from django.urls import path

from accountability.api import reviews, views

urlpatterns = [
    path("decisions", views.DecisionList.as_view()),
    path("decisions/export", views.DecisionExport.as_view()),
    path("decisions/<id:decision>", views.DecisionDetail.as_view()),
    path("decisions/<id:decision>/chain", views.DecisionChain.as_view()),
    path("decisions/<id:decision>/proof", views.DecisionProof.as_view()),
    path("decisions/<id:decision>/reviews", reviews.DecisionReviews.as_view()),
    path("reviews", reviews.ReviewQueue.as_view()),
    path("reviews/policy", reviews.ReviewRules.as_view()),
    path("calibration", reviews.CalibrationReport.as_view()),
    path("ledger/checkpoint", views.LedgerCheckpoint.as_view()),
    path("ledger/consistency", views.LedgerConsistency.as_view()),
]
