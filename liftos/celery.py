"""The Celery application. Tasks carry hints only; they continue the trace of whoever sent them."""

import os
from contextlib import ExitStack
from typing import Any

from celery import Celery, signals

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
# every thread sends by it (liftos.kernel.jobs), not only the one that imports this
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_at_shutdown = ExitStack()
_running: dict[str, tuple[ExitStack, Operation]] = {}


@signals.worker_init.connect
def check_settings(**kwargs: Any) -> None:
    """Refuse to work under settings that can't be used."""
    del kwargs
    refuse_to_start_misconfigured()


@signals.worker_ready.connect
def begin_figures(**kwargs: Any) -> None:
    """Write from now on how operations go."""
    del kwargs
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
    """Tell the metrics how many tasks this worker carries out at once."""
    del kwargs
    WORKER_THREADS.set(sender.controller.concurrency)


@signals.worker_shutdown.connect
def end_figures(**kwargs: Any) -> None:
    """Write the last minute's figures."""
    del kwargs
    stop_minutes()
    _at_shutdown.close()


@signals.before_task_publish.connect
def send_context(headers: dict[str, Any], **kwargs: Any) -> None:
    """Put the sender's ids on the message."""
    del kwargs
    # the beat is in no unit of work: each of its messages begins one
    context = current_context()
    headers["correlation_id_liftos"] = context.correlation_id
    headers["traceparent"] = TRACER.traceparent() or context.traceparent


@signals.task_prerun.connect
def enter_context(task_id: str, task: Any, **kwargs: Any) -> None:
    """Take up the sender's ids, and a span, for the time of the task."""
    del kwargs
    request = task.request
    headers = getattr(request, "headers", None) or {}
    context = start_context(headers.get("correlation_id_liftos", ""), headers.get("traceparent", ""))
    stack = ExitStack()
    stack.enter_context(use_context(context))
    operation = observe_operation(task.name, correlation_id=context.correlation_id)
    operation.__enter__()
    _running[task_id] = stack, operation


@signals.task_postrun.connect
def leave_context(task_id: str, state: str = "", retval: Any = None, **kwargs: Any) -> None:
    """Give them back; a task that failed has its exception as its value."""
    del kwargs
    stack, operation = _running.pop(task_id, (None, None))
    if stack is None or operation is None:
        return
    error = retval if state == "FAILURE" and isinstance(retval, BaseException) else None
    if error is not None:
        operation.fail(error)
    operation.__exit__(None, None, None)
    stack.close()
