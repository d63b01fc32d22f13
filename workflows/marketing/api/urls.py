from django.urls import path

from workflows.marketing.api import entries, sums

urlpatterns = [
    path("marketing/entries", entries.Entries.as_view()),
    path("marketing/entries/<id:entry>", entries.EntryDetail.as_view()),
    path("marketing/table", sums.MarketingTable.as_view()),
    path("marketing/insights", sums.MarketingSums.as_view()),
]
