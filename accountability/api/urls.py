from django.urls import path

from accountability.api import views

urlpatterns = [
    path("decisions", views.DecisionList.as_view()),
    path("decisions/<uuid:decision>", views.DecisionDetail.as_view()),
]
