"""OpenAI's routes."""

from django.urls import path

from liftos.dropins.openai import views

urlpatterns = [
    path("v1/vector_stores", views.VectorStores.as_view()),
    path("v1/vector_stores/<str:store>", views.VectorStore.as_view()),
    path("v1/vector_stores/<str:store>/search", views.VectorStoreSearch.as_view()),
]
