"""Every request has a correlation id and a trace, in its answer, its decision and its log line."""

import io
import logging
import re
from uuid import UUID

import pytest

from liftos.kernel.telemetry.logs import ContextFilter
from tests.api.routes import GUARDED, PUBLIC

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])")


def last_decision(caller):
    [decision] = caller.get("/api/v1/decisions?limit=1").json()["results"]
    return decision


@pytest.mark.parametrize("sent", ["c-1", "a" * 128, "A.b_c:d-9", "0"])
def test_a_usable_correlation_id_is_kept(acme, sent):
    response = acme.post("/store", {"content": "x"}, **{"x-correlation-id": sent})
    assert response["X-Correlation-Id"] == sent
    assert response.json()["metadata"]["correlation_id"] == sent
    assert last_decision(acme)["correlation_id"] == sent


@pytest.mark.parametrize(
    "sent", ["", "a" * 129, "a b", "a\nb", "a\x00", "<b>", "é", "a,b", "{}", "a/b", "\udcff", "c-1\n"]
)
def test_an_unusable_correlation_id_is_replaced(acme, sent):
    response = acme.post("/store", {"content": "x"}, **{"x-correlation-id": sent})
    assert response.status_code == 200
    assert UUID(response["X-Correlation-Id"])
    assert last_decision(acme)["correlation_id"] == response["X-Correlation-Id"]


def test_each_request_has_its_own(acme):
    ids = {acme.get("/api/v1/memories")["X-Correlation-Id"] for _ in range(3)}
    traces = {acme.get("/api/v1/memories")["X-Trace-Id"] for _ in range(3)}
    assert (len(ids), len(traces)) == (3, 3)


@pytest.mark.parametrize(
    ("method", "path"), [*((method, path) for method, path, _ in GUARDED), *(("GET", path) for path in PUBLIC),
                         ("GET", "/nowhere"), ("PUT", "/store"), ("POST", "/search/"), ("GET", "/metrics")]
)  # fmt: skip
def test_every_answer_carries_both(acme, method, path):
    response = acme.client.generic(method, path, headers={"x-correlation-id": "c-1"})
    assert response["X-Correlation-Id"] == "c-1"
    assert TRACEPARENT.fullmatch(response["traceparent"])[1] == response["X-Trace-Id"]


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_trace_goes_on(acme, flags):
    sent = f"00-{TRACE}-{PARENT}-{flags}"
    response = acme.post("/store", {"content": "x"}, traceparent=sent)
    decision = last_decision(acme)
    trace, span, sampled = TRACEPARENT.fullmatch(response["traceparent"]).groups()
    assert trace == response["X-Trace-Id"] == decision["trace_id"] == TRACE
    assert span == decision["span_id"] != PARENT
    assert f"0{sampled}" == flags


@pytest.mark.parametrize(
    "sent",
    ["", "rubbish", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01",
     f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE[:-1]}-{PARENT}-01", f"00-{TRACE}-{PARENT}", f"00-{TRACE}-{PARENT}-0g",
     f"x00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01\x00"],
)  # fmt: skip
def test_malformed_trace_header_starts_a_new_trace(acme, sent):
    response = acme.post("/store", {"content": "x"}, traceparent=sent)
    trace = TRACEPARENT.fullmatch(response["traceparent"])[1]
    assert trace == response["X-Trace-Id"] == last_decision(acme)["trace_id"]
    assert trace != TRACE
    assert int(trace, 16)


def test_a_trace_of_a_later_version_goes_on(acme):
    response = acme.get("/api/v1/memories", traceparent=f"01-{TRACE}-{PARENT}-01-more")
    assert response["X-Trace-Id"] == TRACE


def test_the_log_line_carries_both(acme, caplog):
    caplog.handler.addFilter(ContextFilter())
    with caplog.at_level(logging.INFO, logger="liftos"):
        acme.post(
            "/store",
            {"content": "x"},
            **{"x-correlation-id": "c-1", "traceparent": f"00-{TRACE}-{PARENT}-01"},
        )
    [line] = [record for record in caplog.records if record.name == "liftos.http"]
    assert (line.correlation_id, line.trace_id) == ("c-1", TRACE)
    assert (line.method, line.path, line.status) == ("POST", "/store", 200)
    assert line.duration_ms > 0


def test_the_log_line_as_it_is_written_carries_both(acme, caplog):
    console = next(handler for handler in logging.getLogger().handlers if handler.name == "console")
    written = io.StringIO()
    earlier = console.setStream(written)
    try:
        with caplog.at_level(logging.INFO, logger="liftos"):
            acme.get(
                "/api/v1/memories", **{"x-correlation-id": "c-1", "traceparent": f"00-{TRACE}-{PARENT}-01"}
            )
    finally:
        console.setStream(earlier)
    assert '"correlation_id": "c-1"' in written.getvalue()
    assert f'"trace_id": "{TRACE}"' in written.getvalue()
    assert acme.token not in written.getvalue()
