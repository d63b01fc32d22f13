"""The Celery application. Tasks are hints only and continue the trace of their sender."""

import os
from contextlib import ExitStack
from typing import Any

from celery import Celery, signals

from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.telemetry.metrics.minutes import start_minutes, stop_minutes
from liftos.kernel.telemetry.metrics.prometheus import WORKER_THREADS
from liftos.kernel.telemetry.metrics.worker import announce_tasks, serve_metrics
from liftos.kernel.telemetry.operation import Operation
from liftos.kernel.telemetry.tracing.context import current_context, start_context, use_context
from liftos.kernel.telemetry.tracing.options import refuse_to_start_misconfigured
from liftos.kernel.telemetry.tracing.tracer import TRACER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")

app = Celery("liftos")
# for all threads (liftos.kernel.jobs), not only the importing one
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_at_shutdown = ExitStack()
_running: dict[str, tuple[ExitStack, Operation]] = {}


@signals.worker_init.connect
def check_settings(**kwargs: Any) -> None:
    """Exit if settings are invalid."""
    refuse_to_start_misconfigured()


@signals.worker_ready.connect
def begin_figures(**kwargs: Any) -> None:
    """Start writing figures and serving metrics."""
    from django.conf import settings

    announce_tasks(app.tasks)
    if settings.LIFTOS_METRICS_SECONDS > 0:
        start_minutes(settings.LIFTOS_METRICS_SECONDS)
    if settings.LIFTOS_WORKER_METRICS_PORT:
        _at_shutdown.callback(
            serve_metrics(
                settings.LIFTOS_BIND,
                settings.LIFTOS_WORKER_METRICS_PORT,
                settings.LIFTOS_METRICS_TOKEN,
            )
        )


@signals.worker_ready.connect
def show_threads(sender: Any, **kwargs: Any) -> None:
    """Export the worker's concurrency as a metric."""
    WORKER_THREADS.set(sender.controller.concurrency)


@signals.worker_shutdown.connect
def end_figures(**kwargs: Any) -> None:
    """Write the last figures and stop serving metrics."""
    stop_minutes()
    _at_shutdown.close()


@signals.before_task_publish.connect
def send_context(headers: dict[str, Any], **kwargs: Any) -> None:
    """Add the sender's ids to the message."""
    # the beat has no context, so each of its messages starts a new one
    context = current_context()
    headers["correlation_id_liftos"] = context.correlation_id
    headers["traceparent"] = TRACER.traceparent() or context.traceparent


@signals.task_prerun.connect
def enter_context(task_id: str, task: Any, **kwargs: Any) -> None:
    """Enter the sender's context and observe the task."""
    request = task.request
    headers = getattr(request, "headers", None) or {}
    context = start_context(headers.get("correlation_id_liftos", ""), headers.get("traceparent", ""))
    stack = ExitStack()
    stack.enter_context(use_context(context))
    # what works for a caller narrows this to what the caller may see
    stack.enter_context(seeing_everything())
    operation = observe_operation(task.name, correlation_id=context.correlation_id)
    operation.__enter__()
    _running[task_id] = stack, operation


@signals.task_postrun.connect
def leave_context(task_id: str, state: str = "", retval: Any = None, **kwargs: Any) -> None:
    """Leave the task's context and record its outcome; a failed task's return value is its exception."""
    stack, operation = _running.pop(task_id, (None, None))
    if stack is None or operation is None:
        return
    error = retval if state == "FAILURE" and isinstance(retval, BaseException) else None
    if error is not None:
        operation.fail(error)
    operation.__exit__(None, None, None)
    stack.close()
