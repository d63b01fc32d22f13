"""Tasks continue their sender's trace."""

import logging
from contextvars import Context

import pytest

from liftos.celery import app, send_context
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.tracing.context import peek_context, start_context, use_context
from liftos.kernel.telemetry.tracing.spans import current_span
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.tasks import heal_pending_embeddings

TASK = "memory.heal_pending_embeddings"


@pytest.fixture
def sent():
    """The headers of a message sent within a span."""
    headers = {}
    with use_context(start_context("c-sender")) as context, TRACER.span("sender") as span:
        send_context(headers)
        parent = span.span_id
    return headers, context, parent


def spans_of(context):
    return {span.name: span for span in TRACER.traces(context.trace_id)}


def test_task_continues_its_senders_trace(organisation, sent):
    headers, context, parent = sent
    before = peek_context(), current_span()
    heal_pending_embeddings.apply(args=[str(organisation)], headers=headers)
    task = spans_of(context)[TASK]
    assert (task.parent, task.parent_id, task.status) == (None, parent, "ok")
    assert task.tags["correlation_id"] == "c-sender"
    assert (peek_context(), current_span()) == before


def test_a_task_that_fails_marks_its_span(organisation, sent, monkeypatch):
    headers, context, _ = sent

    def fail(**kwargs):
        raise ZeroDivisionError("x")

    monkeypatch.setattr("memory.tasks.heal_pending", fail)
    outside = peek_context(), current_span()
    before = get_observability().totals(TASK).failures
    heal_pending_embeddings.apply(args=[str(organisation)], headers=headers)
    assert spans_of(context)[TASK].error_type == "ZeroDivisionError"
    assert get_observability().totals(TASK).failures == before + 1
    assert (peek_context(), current_span()) == outside


def test_a_task_inside_a_request_is_part_of_its_tree(organisation):
    with use_context(start_context()) as context, TRACER.span("request"):
        headers = {}
        send_context(headers)
        heal_pending_embeddings.apply(args=[str(organisation)], headers=headers)
    assert spans_of(context)[TASK].parent.name == "request"


def test_unsampled_trace_stays_unsampled(organisation):
    context = start_context(traceparent=f"00-{'a' * 32}-{'b' * 16}-00")
    with use_context(context), TRACER.span("sender"):
        headers = {}
        send_context(headers)
    assert headers["traceparent"].endswith("-00")
    heal_pending_embeddings.apply(args=[str(organisation)], headers=headers)
    assert spans_of(context) == {}


def test_each_beat_message_starts_a_trace():
    first, second = {}, {}
    beat = Context()  # of a thread that is in no unit of work
    beat.run(send_context, first)
    beat.run(logging.getLogger("liftos").warning, "due")
    beat.run(send_context, second)
    assert first["traceparent"][3:35] != second["traceparent"][3:35]


def test_embedding_task_is_traced(acme, sent, monkeypatch):
    headers, context, _ = sent

    def away(*args, **kwargs):
        raise EmbedderUnavailable

    with monkeypatch.context() as broken:
        broken.setattr("liftos.kernel.embedding.manager.EmbeddingManager.embed_many", away)
        acme.store("a text that waits for its vector")
    heal_pending_embeddings.apply(args=[str(acme.organisation)], headers=headers)
    embed = spans_of(context)["memory.embed"]
    assert embed.parent.name == TASK
    assert embed.tags["organisation"] == str(acme.organisation)


def test_pruning_is_on_the_schedule():
    app.loader.import_default_modules()
    assert app.conf.beat_schedule["prune-traces"]["task"] in app.tasks
