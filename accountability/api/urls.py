from django.urls import path

from accountability.api import (
    calibration,
    chain,
    decision_search,
    decisions,
    export,
    ledger,
    log_tokens,
    outcomes,
    proof,
    review_policy,
    reviews,
)

urlpatterns = [
    path("decisions", decisions.DecisionList.as_view()),
    path("decisions/search", decision_search.DecisionSearch.as_view()),
    path("decisions/export", export.DecisionExport.as_view()),
    path("decisions/<id:decision>", decisions.DecisionDetail.as_view()),
    path("decisions/<id:decision>/chain", chain.DecisionChain.as_view()),
    path("decisions/<id:decision>/proof", proof.DecisionProof.as_view()),
    path("decisions/<id:decision>/outcomes", outcomes.DecisionOutcomes.as_view()),
    path("decisions/<id:decision>/reviews", reviews.DecisionReviews.as_view()),
    path("reviews", reviews.ReviewQueue.as_view()),
    path("reviews/policy", review_policy.ReviewPolicyDetail.as_view()),
    path("calibration", calibration.CalibrationReport.as_view()),
    path("ledger/checkpoint", ledger.LedgerCheckpoint.as_view()),
    path("ledger/consistency", ledger.LedgerConsistency.as_view()),
    path("ledger/verification", ledger.LedgerVerification.as_view()),
    path("ledger/verifier.py", ledger.OfflineVerifier.as_view()),
    path("ledger/<str:token>/checkpoint", log_tokens.LogHead.as_view()),
    path("ledger/<str:token>/tile/<path:tile>", log_tokens.LogTile.as_view()),
]
