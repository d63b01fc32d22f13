"""mem0's routes: the platform's, then the self-hosted server's."""

from django.urls import path

from liftos.dropins.mem0 import views
from liftos.dropins.mem0.server import views as server

urlpatterns = [
    path("v1/ping/", views.Ping.as_view()),
    path("v1/memories/", views.Memories.as_view()),
    path("v1/memories/search/", views.SearchV1.as_view()),
    path("v1/memories/<id:memory>/", views.OneMemory.as_view()),
    path("v1/memories/<id:memory>/history/", views.History.as_view()),
    path("v1/batch/", views.Batch.as_view()),
    path("v1/entities/", views.Entities.as_view()),
    path("v2/entities/<str:kind>/<path:name>/", views.Entity.as_view()),
    path("v2/memories/", views.QueryV2.as_view()),
    path("v2/memories/search/", views.SearchV2.as_view()),
    path("v3/memories/", views.Query.as_view()),
    path("v3/memories/add/", views.Add.as_view()),
    path("v3/memories/search/", views.Search.as_view()),
    path("mem0/memories", server.ServerMemories.as_view()),
    path("mem0/memories/<id:memory>", server.ServerMemory.as_view()),
    path("mem0/memories/<id:memory>/history", server.ServerHistory.as_view()),
    path("mem0/search", server.ServerSearch.as_view()),
    path("mem0/reset", server.Reset.as_view()),
]
