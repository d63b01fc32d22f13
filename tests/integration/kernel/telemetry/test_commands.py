"""Every task and every management command of ours leaves a span, a counter and a timer."""

from importlib import import_module
from importlib.util import find_spec

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from liftos.celery import app
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.tracing.tracer import TRACER

OURS = ("liftos", "memory", "spaces", "workflows", "accountability")
COMMANDS = sorted((name, place) for name, place in get_commands().items() if place.split(".")[0] in OURS)


def counted(name):
    found = get_observability().metrics.snapshot()
    ends = sum(each.count for each in found if each.name in {f"{name}.success", f"{name}.error"})
    return ends, sum(each.count for each in found if each.name == f"{name}.duration")


@pytest.mark.parametrize(("name", "place"), COMMANDS)
def test_every_command_leaves_a_span_a_counter_and_a_timer(name, place, monkeypatch):
    command = load_command_class(place, name)
    assert isinstance(command, ObservedCommand)
    inside = []
    monkeypatch.setattr(
        type(command), "handle", lambda self, *args, **options: inside.append(TRACER.traceparent())
    )
    monkeypatch.setattr(type(command), "requires_system_checks", [])
    monkeypatch.setattr(type(command), "requires_migrations_checks", False)
    before = counted(f"command {name}")
    command.execute(no_color=False, force_color=False, skip_checks=True, stdout=None, stderr=None)
    span = TRACER.recent(1)[0]
    assert (span.name, span.status, span.parent) == (f"command {name}", "ok", None)
    assert inside == [span.traceparent]
    assert counted(f"command {name}") == (before[0] + 1, before[1] + 1)


def test_a_command_that_fails_marks_its_span():
    with pytest.raises(CommandError):
        call_command("bench", "serach")
    span = TRACER.recent(1)[0]
    assert (span.name, span.status, span.error_type) == ("command bench", "error", "CommandError")


def our_tasks():
    for module in OURS:
        if find_spec(f"{module}.tasks"):
            import_module(f"{module}.tasks")
    import_module("liftos.kernel.telemetry.tasks")
    return sorted(name for name in app.tasks if not name.startswith("celery."))


@pytest.mark.parametrize("name", our_tasks())
def test_every_task_leaves_a_span_a_counter_and_a_timer(name, monkeypatch, organisation):
    monkeypatch.setattr(app.tasks[name], "run", lambda *args: None)
    before = counted(name)
    app.tasks[name].apply(args=[str(organisation)])
    span = next(each for each in TRACER.recent(20) if each.name == name)
    assert span.status == "ok"
    assert counted(name) == (before[0] + 1, before[1] + 1)


def test_the_tasks_are_known():
    assert {
        "accountability.sequence",
        "accountability.deliver_checkpoints",
        "observability.prune_traces",
    } <= set(our_tasks())
