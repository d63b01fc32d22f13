from django.urls import path

from workflows.api import controls, functions, runs, schedules, templates, triggers

urlpatterns = [
    path("schedules", schedules.Schedules.as_view()),
    path("schedules/<id:schedule>", schedules.ScheduleDetail.as_view()),
    path("schedules/<id:schedule>/pause", schedules.SchedulePause.as_view()),
    path("schedules/<id:schedule>/resume", schedules.ScheduleResumption.as_view()),
    path("schedules/<id:schedule>/backfill", schedules.Backfill.as_view()),
    path("schedules/<id:schedule>/ticks", schedules.Ticks.as_view()),
    path("triggers", triggers.Triggers.as_view()),
    path("triggers/<id:trigger>", triggers.TriggerDetail.as_view()),
    path("triggers/<id:trigger>/pause", triggers.TriggerPause.as_view()),
    path("triggers/<id:trigger>/resume", triggers.TriggerResumption.as_view()),
    path("triggers/<id:trigger>/dry-run", triggers.DryRun.as_view()),
    path("triggers/<id:trigger>/firings", triggers.Firings.as_view()),
    path("workflows/functions", functions.Functions.as_view()),
    path("workflows/templates", templates.TemplateCollection.as_view()),
    path("workflows/templates/<id:template>", templates.TemplateDetail.as_view()),
    path("workflows/templates/<id:template>/publish", templates.TemplatePublish.as_view()),
    path("workflows/templates/<id:template>/retire", templates.TemplateRetire.as_view()),
    path("workflows/runs", runs.RunCollection.as_view()),
    path("workflows/runs/<id:run>", runs.RunDetail.as_view()),
    path("workflows/runs/<id:run>/cancel", controls.RunCancel.as_view()),
    path("workflows/runs/<id:run>/pause", controls.RunPause.as_view()),
    path("workflows/runs/<id:run>/resume", controls.RunResume.as_view()),
    path("workflows/runs/<id:run>/rerun", controls.RunAgain.as_view()),
    path("workflows/runs/<id:run>/approve", controls.RunApprove.as_view()),
]
