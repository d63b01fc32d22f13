"""Export to an OpenTelemetry collector, without slowing the application."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from liftos.apps import _sink
from liftos.kernel.telemetry.export.otlp import OtlpExporter, export_request
from liftos.kernel.telemetry.tracing.spans import SpanLevel
from liftos.kernel.telemetry.tracing.tracer import LightweightTracer
from tests.faults.service import until


class Collector:
    """A stand-in collector that accepts ExportTraceServiceRequests at /v1/traces."""

    def __init__(self):
        self.requests, self.headers, self.status, self.open = [], [], 200, threading.Event()
        self.open.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.open.wait(20)
                if self.path == "/v1/traces" and collector.status == 200:
                    collector.requests.append(json.loads(body))
                    collector.headers.append(dict(self.headers))
                self.send_response(collector.status if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def spans(self):
        return [
            span
            for request in self.requests
            for resource in request["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def traced(exporter):
    tracer = LightweightTracer("memory")
    tracer.sink = exporter
    return tracer


def test_trace_is_exported_in_otlp_form(collector):
    exporter = OtlpExporter(collector.url, headers={"Authorization": "Bearer t"}, background=False)
    tracer = traced(exporter)
    with pytest.raises(ValueError, match="secret"), tracer.span("request", status=500, ratio=0.5) as root:
        with tracer.span("child", SpanLevel.WARNING, hit=True, text="č\ud800") as child:
            pass
        raise ValueError("secret")
    exporter.flush()
    [request] = collector.requests
    assert collector.headers[0]["Authorization"] == "Bearer t"
    [resource] = request["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "memory"}}]
    inner, outer = collector.spans
    assert (inner["traceId"], inner["spanId"]) == (root.trace_id, child.span_id)
    assert (inner["parentSpanId"], outer["parentSpanId"]) == (root.span_id, root.parent_id)
    assert (inner["name"], inner["kind"], outer["kind"]) == ("child", 1, 2)
    assert int(outer["endTimeUnixNano"]) - int(outer["startTimeUnixNano"]) == root.duration_ns
    values = {each["key"]: each["value"] for each in inner["attributes"]}
    assert values == {
        "liftos.level": {"stringValue": "WARNING"}, "hit": {"boolValue": True}, "text": {"stringValue": "č?"},
    }  # fmt: skip
    values = {each["key"]: each["value"] for each in outer["attributes"]}
    assert values["status"] == {"intValue": "500"}
    assert values["ratio"] == {"doubleValue": 0.5}
    assert values["error.type"] == {"stringValue": "ValueError"}
    assert (outer["status"], inner["status"]) == ({"code": 2}, {})
    assert "secret" not in json.dumps(request)
    assert (exporter.exported, exporter.lost, exporter.dropped) == (1, 0, 0)


def test_slow_collector_blocks_nobody_and_drops_are_counted(collector):
    collector.open.clear()
    exporter = OtlpExporter(collector.url, capacity=5, pause=0)
    tracer = traced(exporter)
    for _ in range(50):
        with tracer.span("work"):
            pass
    # all fifty are done while the collector has answered nothing
    assert collector.requests == []
    assert exporter.dropped >= 50 - 2 * 5
    collector.open.set()
    exporter.stop()
    assert exporter.exported + exporter.dropped == 50
    assert len(collector.spans) == exporter.exported


def test_failing_collector_loses_only_traces(collector, caplog):
    collector.status = 503
    exporter = OtlpExporter(collector.url, background=False)
    tracer = traced(exporter)
    for _ in range(2):
        with tracer.span("work"):
            pass
        exporter.flush()
    assert (exporter.exported, exporter.lost) == (0, 2)
    assert caplog.text.count("are lost") == 1
    away = OtlpExporter("http://127.0.0.1:1/v1/traces", background=False)
    with traced(away).span("work"):
        pass
    away.flush()
    assert away.lost == 1


def test_many_traces_go_in_bounded_requests(collector):
    exporter = OtlpExporter(collector.url, background=False)
    tracer = traced(exporter)
    for _ in range(250):
        with tracer.span("work"):
            pass
    exporter.flush()
    assert [len(each["resourceSpans"][0]["scopeSpans"][0]["spans"]) for each in collector.requests] == [
        100,
        100,
        50,
    ]


@pytest.mark.parametrize("url", ["", "ftp://collector", "collector:4318"])
def test_only_http_urls_are_accepted(url):
    with pytest.raises(ValueError, match="http"):
        OtlpExporter(url)


def test_settings_configure_the_exporter(collector, monkeypatch):
    stored = []

    class Store:
        def __call__(self, ended):
            stored.append(ended)

    monkeypatch.setattr("liftos.kernel.telemetry.storage.writer.TraceWriter", Store)
    assert _sink(persist=False, otlp="") is None
    assert isinstance(_sink(persist=True, otlp=""), Store)
    assert isinstance(_sink(persist=False, otlp=collector.url), OtlpExporter)
    both = _sink(persist=True, otlp=collector.url)
    with traced(both).span("work") as span:
        pass
    assert stored == [[span]]
    until(lambda: [each["name"] for each in collector.spans] == ["work"])


def attributes_of(name, **tags):
    tracer, trees = LightweightTracer("memory"), []
    tracer.sink = trees.append
    with tracer.span(name, **tags):
        pass
    [resource] = export_request("memory", trees)["resourceSpans"]
    [span] = resource["scopeSpans"][0]["spans"]
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


@pytest.mark.parametrize(
    ("name", "tags", "operation", "count"),
    [
        ("memory.search", {"results": 3}, "search_memory", "3"),
        ("memory.search_many", {"count": 2, "results": 7}, "search_memory", "7"),
        ("memory.search", {}, "search_memory", None),
        ("memory.store", {}, "create_memory", "1"),
        ("memory.store_many", {"count": 9}, "create_memory", "9"),
        ("memory.revise", {}, "update_memory", "1"),
        ("memory.delete", {}, "delete_memory", None),
    ],
)
def test_memory_operations_have_opentelemetrys_names_too(name, tags, operation, count):
    found = attributes_of(name, organisation="acme", **tags)
    assert found["gen_ai.operation.name"] == operation
    assert found["gen_ai.provider.name"] == "liftos"
    assert found["gen_ai.memory.store.id"] == found["organisation"] == "acme"
    assert found.get("gen_ai.memory.record.count") == count


def test_other_spans_have_none_of_them():
    assert not [
        key for key in attributes_of("workflows.run", organisation="acme") if key.startswith("gen_ai")
    ]
