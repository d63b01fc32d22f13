from django.urls import path

from accountability.api import following, reviews, views

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
    path("ledger/verification", views.LedgerVerification.as_view()),
    path("ledger/verifier.py", following.OfflineVerifier.as_view()),
    path("ledger/<str:token>/checkpoint", following.LogHead.as_view()),
    path("ledger/<str:token>/tile/<path:tile>", following.LogTile.as_view()),
]
