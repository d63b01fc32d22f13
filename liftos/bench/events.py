"""`bench events`: relaying, triggers, and a healthy receiver beside a dead one, with the service and its worker as `make up` starts them.

Latencies are differences of the database's clock, except a receiver's, which runs in this process on the same machine.
"""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from liftos.bench.http.service import HOST, Service, service
from liftos.bench.timing import latency
from liftos.bench.types import Bench, BenchFailed, Figure, Options, Target
from liftos.kernel.db.transactions import raw_cursor, read_value, whole_tenant
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.outbox.statements import READ_LAST
from liftos.kernel.outbox.subscribers import subscribers
from liftos.kernel.tenancy.queries import get_organisation

EVENTS, STORES, DEAD, HEALTHY = 20_000, 60, 10_000, 60
BATCH = 1_000
PAUSE = 0.25
WAIT_SECONDS = 300.0
RELAYED = Target(">=", 1_000)
STARTED_MS = Target("<=", 500)

_HANDLED = """
SELECT count(*) FROM events_cursor
WHERE organisation_id = %(organisation)s AND position >= %(last)s AND subscriber = ANY(%(names)s)
"""
_STARTED = """
SELECT extract(epoch FROM (s.started_at - e.recorded_at)) * 1000 FROM workflows_firing AS f
JOIN events_outboxevent AS e ON e.organisation_id = f.organisation_id AND e.id = f.event_id
JOIN workflows_step AS s ON s.organisation_id = f.organisation_id AND s.run_id = f.run_id
WHERE f.organisation_id = %s AND s.started_at IS NOT NULL
"""
_PENDING = "SELECT count(*) FROM events_delivery WHERE organisation_id = %s AND webhook_id = %s AND state = 'pending'"
_EMITTED = "SELECT subject, extract(epoch FROM recorded_at) FROM events_outboxevent WHERE organisation_id = %s AND subject LIKE %s"


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.arrived[event["subject"]] = time.time()  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def run(options: Options) -> Generator[Figure]:
    """Yield the relay's rate, the time until a trigger's run has started, and a healthy receiver's delay beside a dead one."""
    del options
    with _receiver() as healthy, _hanging() as dead:
        hosts = f"{HOST}:{healthy.server_port},{HOST}:{dead}"
        with _environment(LIFTOS_HTTP_PRIVATE_HOSTS=hosts), service() as ours:
            caller = _Caller(ours)
            caller.post(
                "webhooks", {"url": f"http://{HOST}:{healthy.server_port}/", "events": ["bench.heard"]}
            )
            yield from _relaying(caller)
            yield from _starting(caller)
            yield from _receiving(caller, healthy, "no other receiver")
            hook = caller.post("webhooks", {"url": f"http://{HOST}:{dead}/", "events": ["bench.dead"]})["id"]
            _emit(caller, "bench.dead", "dead", DEAD)
            _until(lambda: caller.value(_PENDING, [caller.organisation, hook]) >= DEAD)
            yield from _receiving(caller, healthy, f"{DEAD:,} deliveries waiting for a dead one")


def _relaying(caller: "_Caller") -> Iterator[Figure]:
    names = sorted(subscribers())
    began = time.perf_counter()
    _emit(caller, "bench.said", "said", EVENTS)
    emitted = time.perf_counter() - began

    def handled() -> bool:
        last = caller.value(READ_LAST, [caller.organisation])
        values = {"organisation": caller.organisation, "last": last, "names": names}
        return _waiting(caller) == 0 and caller.value(_HANDLED, values) == len(names)

    _until(handled)
    took = time.perf_counter() - began
    yield Figure(
        f"events relayed to all subscribers, {EVENTS:,} in one organisation",
        EVENTS / took,
        "/s",
        target=RELAYED,
    )
    yield Figure("of this, writing them", emitted / took * 100, "%")


def _waiting(caller: "_Caller") -> int:
    statement = "SELECT count(*) FROM events_outboxevent WHERE organisation_id = %s AND sequence IS NULL"
    return int(caller.value(statement, [caller.organisation]))


def _starting(caller: "_Caller") -> Iterator[Figure]:
    steps = [{"name": "count", "function": "memory.recent", "arguments": {"limit": 1}}]
    template = caller.post("workflows/templates", {"name": "bench", "steps": steps})["id"]
    caller.post(f"workflows/templates/{template}/publish", {})
    rule = {
        "name": "bench",
        "event": "liftos.memory.stored",
        "conditions": {"memory_type": "bench"},
        "template": "bench",
    }
    caller.post("triggers", rule | {"per_minute": 10_000})
    for number in range(STORES):
        caller.post(
            "memories", {"content": f"the figure of hour {number} is {number * 17}", "memory_type": "bench"}
        )
        time.sleep(PAUSE)
    times: list[float] = []

    def started() -> bool:
        with whole_tenant(caller.organisation):
            times[:] = [float(row[0]) for row in raw_cursor().execute(_STARTED, [caller.organisation])]
        return len(times) >= STORES

    _until(started)
    yield from latency("store until the trigger's run has begun its first step", times, p95=STARTED_MS)


def _receiving(caller: "_Caller", healthy: Any, beside: str) -> Iterator[Figure]:
    healthy.arrived.clear()
    subjects = [f"heard/{time.time_ns()}/{number}" for number in range(HEALTHY)]
    for subject in subjects:
        _write(caller, "bench.heard", [(subject, {})])
        time.sleep(PAUSE)
    _until(lambda: len(healthy.arrived) >= HEALTHY)
    with whole_tenant(caller.organisation):
        emitted: dict[str, Any] = dict(
            raw_cursor().execute(_EMITTED, [caller.organisation, "heard/%"]).fetchall()
        )
    times = [(healthy.arrived[each] - float(emitted[each])) * 1e3 for each in subjects]
    yield from latency(f"event until a healthy receiver has it, {beside}", times)


def _emit(caller: "_Caller", type_: str, what: str, count: int) -> None:
    for start in range(0, count, BATCH):
        _write(caller, type_, [(f"{what}/{number}", {"n": number}) for number in range(start, start + BATCH)])


def _write(caller: "_Caller", type_: str, events: list[tuple[str, dict[str, Any]]]) -> None:
    with whole_tenant(caller.organisation):
        emit_many(organisation=caller.organisation, type=type_, events=events)


class _Caller:
    """The service's first organisation and its key."""

    def __init__(self, ours: Service) -> None:
        credentials = json.loads((ours.home / "credentials.json").read_text(encoding="utf-8"))
        self._port, self._key = ours.port, credentials["api_key"]
        self.organisation: UUID = get_organisation(credentials["org"]).id

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a POST.

        Raises:
            BenchFailed: it was refused.
        """
        connection = http.client.HTTPConnection(HOST, self._port, timeout=60)
        try:
            headers = {"X-Api-Key": self._key, "Content-Type": "application/json"}
            connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise BenchFailed(f"POST {path} was answered with {response.status}: {answer.get('detail')}")
        return answer

    def value(self, statement: str, values: Any) -> Any:
        """Return a statement's first value, seeing the whole organisation."""
        with whole_tenant(self.organisation):
            return read_value(statement, values)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise BenchFailed(f"waited {WAIT_SECONDS:.0f} s in vain")
        time.sleep(0.02)


@contextmanager
def _receiver() -> Iterator[Any]:
    with ThreadingHTTPServer((HOST, 0), _Receiver) as made:
        made.daemon_threads = True
        made.arrived = {}  # type: ignore[attr-defined]
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@contextmanager
def _hanging() -> Iterator[int]:
    """Yield the port of a receiver that accepts connections and never answers."""
    with socket.create_server((HOST, 0), backlog=1_000) as made:
        yield int(made.getsockname()[1])


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    earlier = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in earlier.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


BENCH = Bench("events", "events relayed, triggers' runs started, a healthy receiver beside a dead one", run)
