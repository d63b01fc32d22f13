"""The Celery application. Tasks carry hints only; they continue the trace of whoever sent them."""

import os
from typing import Any

from celery import Celery, signals

from liftos.observability.context import current_context, start_context, use_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")

app = Celery("liftos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_running: dict[str, Any] = {}


@signals.before_task_publish.connect
def send_context(headers: dict[str, Any], **kwargs: Any) -> None:
    """Put the sender's ids on the message."""
    del kwargs
    context = current_context()
    headers["correlation_id_liftos"] = context.correlation_id
    headers["traceparent"] = context.traceparent


@signals.task_prerun.connect
def enter_context(task_id: str, task: Any, **kwargs: Any) -> None:
    """Take up the sender's ids for the time of the task."""
    del kwargs
    request = task.request
    headers = getattr(request, "headers", None) or {}
    context = start_context(headers.get("correlation_id_liftos", ""), headers.get("traceparent", ""))
    manager = use_context(context)
    manager.__enter__()
    _running[task_id] = manager


@signals.task_postrun.connect
def leave_context(task_id: str, **kwargs: Any) -> None:
    """Give them back."""
    del kwargs
    manager = _running.pop(task_id, None)
    if manager is not None:
        manager.__exit__(None, None, None)
