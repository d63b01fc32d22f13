from django.urls import path

from workflows.marketing.api import calibration, entries, studies, sums

urlpatterns = [
    path("marketing/entries", entries.Entries.as_view()),
    path("marketing/entries/<id:entry>", entries.EntryDetail.as_view()),
    path("marketing/table", sums.MarketingTable.as_view()),
    path("marketing/insights", sums.MarketingSums.as_view()),
    path("marketing/experiments", studies.Experiments.as_view()),
    path("marketing/experiments/lift-tests", calibration.LiftTests.as_view()),
    path("marketing/experiments/priors", calibration.Priors.as_view()),
    path("marketing/experiments/<id:study>", studies.ExperimentDetail.as_view()),
    path("marketing/models", studies.Models.as_view()),
    path("marketing/models/results", calibration.ModelResults.as_view()),
    path("marketing/models/<id:study>", studies.ModelDetail.as_view()),
    path("marketing/calibration", calibration.Calibration.as_view()),
]
