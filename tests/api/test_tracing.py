"""Every request leaves one tree of spans, a counter and a timer."""

import logging
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.urls import get_resolver

from liftos.kernel.telemetry.logs import ContextFilter
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.tracing.context import use_sampler
from liftos.kernel.telemetry.tracing.middleware import route_name
from liftos.kernel.telemetry.tracing.options import refuse_to_start_misconfigured
from liftos.kernel.telemetry.tracing.spans import SpanLevel
from liftos.kernel.telemetry.tracing.tracer import TRACER
from tests.api.routes import NOBODYS_ID, NOBODYS_TRACE

PARENT = "00f067aa0ba902b7"
ARGUMENTS = {"{trace_id}": NOBODYS_TRACE, "{part}": "0", "{size}": "1"}


@pytest.fixture
def configured():
    """Configures the process's tracer; afterwards it is as it was."""
    rate, level = TRACER.sampling_rate, TRACER.min_level
    use_sampler(TRACER.samples)
    yield TRACER.configure
    TRACER.configure(sampling_rate=rate, min_level=level)


def tree(response):
    return TRACER.traces(response["X-Trace-Id"])


def named(response):
    return {span.name: span for span in tree(response)}


def routes(patterns=None, prefix=""):
    """Yield (route, methods) of every route, the admin's own apart: Django asks for a session there."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if route.startswith("admin/"):
            continue
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
            continue
        view = getattr(pattern.callback, "cls", None)
        methods = [each for each in ("get", "post", "put", "patch", "delete") if hasattr(view, each)]
        for method in methods or ["get"]:
            yield method.upper(), route


def counted(name):
    """Return how often a name was counted and how often timed, for all organisations."""
    found = get_observability().metrics.snapshot()
    ends = sum(each.count for each in found if each.name in {f"{name}.success", f"{name}.error"})
    return ends, sum(each.count for each in found if each.name == f"{name}.duration")


@pytest.mark.parametrize(("method", "route"), [*routes(), ("GET", "admin/login/")])
def test_every_route_leaves_a_span_a_counter_and_a_timer(acme, method, route):
    name = route_name(method, route)
    path = name.split(" ")[1]
    while "{" in path:
        argument = path[path.index("{") : path.index("}") + 1]
        path = path.replace(argument, ARGUMENTS.get(argument, NOBODYS_ID))
    before = counted(name)
    response = acme.client.generic(method, path, b"{}", headers={"authorization": f"Bearer {acme.token}"})
    roots = [span for span in tree(response) if span.parent is None]
    assert [(span.name, span.tags["status"]) for span in roots] == [(name, response.status_code)]
    assert counted(name) == (before[0] + 1, before[1] + 1)


def test_what_matches_no_route_shares_one_name(acme):
    assert list(named(acme.get("/nowhere"))) == ["GET unmatched"]
    assert list(named(acme.client.generic("BREW", "/pot"))) == ["OTHER unmatched"]


def test_a_search_is_one_tree_that_shows_where_the_time_went(acme):
    acme.store("otters hold hands")
    response = acme.post("/api/v1/search", {"query": "who holds hands, and how?"})
    spans = named(response)
    assert {span.trace_id for span in spans.values()} == {response["X-Trace-Id"]}
    parents = {name: span.parent.name if span.parent else "" for name, span in spans.items()}
    assert parents == {
        "POST /api/v1/search": "",
        "memory.search": "POST /api/v1/search",
        "memory.embed": "memory.search",
        "embedding.embed": "memory.embed",
        "search.find": "memory.search",
        "search.links": "memory.search",
        "search.score": "memory.search",
        "search.rank": "memory.search",
        "search.read": "memory.search",
    }
    root, search = spans["POST /api/v1/search"], spans["memory.search"]
    assert root.tags["organisation"] == search.tags["organisation"] == str(acme.organisation)
    assert root.tags["correlation_id"] == response["X-Correlation-Id"]
    assert search.tags["decision_id"] == response.json()["decision_id"]
    assert root.duration_ns > search.duration_ns > spans["embedding.embed"].duration_ns


def test_writing_is_traced_too(acme):
    stored = acme.post("/api/v1/memories", {"content": "a memory nobody had"})
    assert {"memory.store", "memory.embed"} <= named(stored).keys()
    bulk = acme.send("/api/v1/memories/bulk", '{"content": "x"}\n', "application/x-ndjson")
    assert named(bulk)["memory.store_many"].tags["count"] == 1
    assert "memory.delete" in named(acme.delete(f"/api/v1/memories/{stored.json()['id']}"))


def test_a_callers_trace_goes_on(acme):
    trace = uuid4().hex
    response = acme.post("/api/v1/search", {"query": "x"}, traceparent=f"00-{trace}-{PARENT}-01")
    [root] = [span for span in tree(response) if span.parent is None]
    assert (root.trace_id, root.parent_id) == (trace, PARENT)
    assert response["traceparent"] == f"00-{trace}-{root.span_id}-01"


def test_a_caller_that_keeps_nothing_is_followed(acme):
    before = TRACER.stats()["sampled_spans"]
    response = acme.post("/api/v1/search", {"query": "x"}, traceparent=f"00-{uuid4().hex}-{PARENT}-00")
    assert response.status_code == 200
    assert tree(response) == []
    assert TRACER.stats()["sampled_spans"] == before


def test_an_error_is_one_line_one_span_and_one_count(acme, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("memory.search.service.rank", fail)
    caplog.handler.addFilter(ContextFilter())
    name, organisation = "POST /api/v1/search", str(acme.organisation)
    with caplog.at_level(logging.ERROR, logger="liftos"):
        response = acme.post("/api/v1/search", {"query": "x"}, **{"x-correlation-id": "c-broken"})
    assert response.status_code == 500
    [line] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    [root] = [span for span in tree(response) if span.parent is None]
    assert line.correlation_id == root.tags["correlation_id"] == response["X-Correlation-Id"] == "c-broken"
    assert (root.status, root.error_type) == ("error", "RuntimeError")
    assert named(response)["memory.search"].error_type == "RuntimeError"
    totals = get_observability().totals(name, organisation)
    assert (totals.successes, totals.failures) == (0, 1)


def test_callers_mistake_leaves_an_ok_span(acme):
    response = acme.post("/api/v1/search", {})
    [root] = tree(response)
    assert (root.tags["status"], root.status) == (422, "ok")


def test_the_sampling_rate_decides(acme, configured):
    configured(sampling_rate=0)
    response = acme.post("/api/v1/search", {"query": "x"})
    assert response["traceparent"].endswith("-00")
    assert tree(response) == []
    configured(sampling_rate=0.5)
    kept = [acme.client.get("/") for _ in range(200)]
    assert 50 < sum(bool(tree(each)) for each in kept) < 150
    assert all(bool(tree(each)) == each["traceparent"].endswith("-01") for each in kept)


def test_the_level_decides(acme, configured):
    def names():
        return set(named(acme.post("/api/v1/search", {"query": "x"})))

    with_info = names()
    configured(min_level=SpanLevel.WARNING)
    without = names()
    configured(min_level=SpanLevel.TRACE)
    assert "memory.search" in with_info
    assert without == set()
    assert names() >= with_info - {"embedding.embed"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("SAMPLING", "1.1"), ("SAMPLING", "-0.1"), ("SAMPLING", "nan"), ("SAMPLING", "half"), ("LEVEL", "LOUD"),
     ("SPANS", "0"), ("SPANS", "-1"), ("SPANS", "1e4"), ("RETENTION_DAYS", "0"), ("RETENTION_DAYS", "9" * 40)],
)  # fmt: skip
def test_an_unusable_setting_is_named_by_a_check_and_refused(settings, name, value):
    setattr(settings, f"LIFTOS_TRACE_{name}", value)
    [error] = run_checks(tags=["liftos"])
    assert error.id == "liftos.E002"
    assert f"LIFTOS_TRACE_{name}" in error.msg
    with pytest.raises(SystemExit, match=f"LIFTOS_TRACE_{name}"):
        refuse_to_start_misconfigured()


@pytest.mark.parametrize(("name", "value"), [("SAMPLING", "0"), ("LEVEL", "debug"), ("SPANS", "1")])
def test_a_usable_setting_is_let_through(settings, name, value):
    setattr(settings, f"LIFTOS_TRACE_{name}", value)
    assert run_checks(tags=["liftos"]) == []
    refuse_to_start_misconfigured()


def test_the_collectors_address_is_checked(settings):
    settings.LIFTOS_OTLP_ENDPOINT = "collector:4318"
    [error] = run_checks(tags=["liftos"])
    assert error.id == "liftos.E002"
    assert "LIFTOS_OTLP_ENDPOINT is 'collector:4318'" in error.msg
    settings.LIFTOS_OTLP_ENDPOINT = "http://collector:4318/v1/traces"
    assert run_checks(tags=["liftos"]) == []
