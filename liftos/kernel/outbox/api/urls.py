"""The routes of events and webhooks."""

from django.urls import path

from liftos.kernel.outbox.api import deliveries, stream, webhooks

urlpatterns = [
    path("events/stream", stream.EventStream.as_view()),
    path("webhooks", webhooks.Webhooks.as_view()),
    path("webhooks/<id:webhook>", webhooks.WebhookDetail.as_view()),
    path("webhooks/<id:webhook>/rotate", webhooks.WebhookRotation.as_view()),
    path("webhooks/<id:webhook>/pause", webhooks.WebhookPause.as_view()),
    path("webhooks/<id:webhook>/resume", webhooks.WebhookResumption.as_view()),
    path("webhooks/<id:webhook>/ping", deliveries.Ping.as_view()),
    path("webhooks/<id:webhook>/deliveries", deliveries.Deliveries.as_view()),
    path("webhooks/<id:webhook>/deliveries/<id:delivery>", deliveries.DeliveryDetail.as_view()),
    path("webhooks/<id:webhook>/deliveries/<id:delivery>/replay", deliveries.Replay.as_view()),
]
