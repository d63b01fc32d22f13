from django.urls import path

from workflows.api import native

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
