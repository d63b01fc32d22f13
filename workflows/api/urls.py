from django.urls import path

from workflows.api import native, seed

seed_urlpatterns = [
    path("workflows/create", seed.WorkflowCreate.as_view()),
    path("workflows/<str:workflow>/status", seed.WorkflowStatus.as_view()),
    path("search/batch", seed.BatchSearch.as_view()),
]

urlpatterns = [
    path("workflows/functions", native.Functions.as_view()),
    path("workflows/templates", native.TemplateCollection.as_view()),
    path("workflows/templates/<id:template>", native.TemplateDetail.as_view()),
    path("workflows/templates/<id:template>/publish", native.TemplatePublish.as_view()),
    path("workflows/templates/<id:template>/retire", native.TemplateRetire.as_view()),
    path("workflows/runs", native.RunCollection.as_view()),
    path("workflows/runs/<id:run>", native.RunDetail.as_view()),
    path("workflows/runs/<id:run>/cancel", native.RunCancel.as_view()),
    path("workflows/runs/<id:run>/pause", native.RunPause.as_view()),
    path("workflows/runs/<id:run>/resume", native.RunResume.as_view()),
    path("workflows/runs/<id:run>/rerun", native.RunAgain.as_view()),
    path("workflows/runs/<id:run>/approve", native.RunApprove.as_view()),
]
