"""`bench accountability`: the cost of a durable decision record, and the speed of writing, reading and verifying its log."""

import multiprocessing
import threading
from collections.abc import Callable, Generator, Iterator
from statistics import median
from time import perf_counter
from uuid import UUID

from django.db import connections

from accountability.decisions.chains import get_chain
from accountability.ledger.proofs import count_pending, get_proof
from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from accountability.models import DecisionRecord
from liftos.bench.accountability.decisions import record_one
from liftos.bench.accountability.ledger_fill import CHAIN, fill
from liftos.bench.accountability.writer import START_SECONDS, write
from liftos.bench.database import admin_pages
from liftos.bench.timing import elapsed_ms, latency, timed
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline, tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM

WRITERS = 8
RECORDS_PER_WRITER = 1_000
WRITE_SECONDS = 120
MERGE_SECONDS = 1.0
_READ = "SELECT id FROM accountability_decisionrecord WHERE organisation_id = %s ORDER BY id DESC LIMIT 10"


def run(options: Options) -> Generator[Figure]:
    """Yield figures for writing, for a large log, and for verifying it."""
    with scratch_database("bench") as name:
        organisation = create_organisation(name="Bench", by=SYSTEM).id
        yield from _writing(name, organisation)
        yield from _added(options, organisation)
        decisions = fill(organisation, options.records)
        yield from _reading(options, organisation, decisions)
        yield from _verifying(organisation)


def _writing(name: str, organisation: UUID) -> Iterator[Figure]:
    """Measure writer processes with one durable transaction per record, while the sequencer runs."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(WRITERS + 1)
    spans = context.Queue()
    writers = [
        context.Process(target=write, args=(name, organisation, RECORDS_PER_WRITER, together, spans))
        for _ in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    stop = threading.Event()
    sequencer = threading.Thread(target=_sequence, args=(organisation, stop))
    sequencer.start()
    together.wait(START_SECONDS)
    times = [spans.get(timeout=WRITE_SECONDS) for _ in writers]
    ended = perf_counter()
    while _pending(organisation):
        stop.wait(0.01)
    merged = perf_counter() - ended
    stop.set()
    sequencer.join()
    for writer in writers:
        writer.join()
    seconds = max(end for _, end in times) - min(start for start, _ in times)
    rate = WRITERS * RECORDS_PER_WRITER / seconds
    yield Figure(
        f"records, {WRITERS} writers, one organisation", rate, "records/s", target=Target(">=", 2_000)
    )
    yield Figure("last record to its place in the signed log", merged, "s", target=Target("<=", 2))


def _sequence(organisation: UUID, stop: threading.Event) -> None:
    while not stop.wait(MERGE_SECONDS):
        drain(organisation=organisation)
    connections.close_all()


def _pending(organisation: UUID) -> int:
    with tenant_transaction(organisation):
        return count_pending(organisation)


def _added(options: Options, organisation: UUID) -> Iterator[Figure]:
    """Measure a reading transaction with and without a record, alternately; the record is sent with the read, as in a search."""

    def read() -> None:
        raw_cursor().execute(_READ, [organisation]).fetchall()

    def without() -> None:
        with tenant_pipeline(organisation):
            read()

    def with_record() -> None:
        with tenant_pipeline(organisation):
            record_one(organisation, 1)
            read()

    plain, recorded = [], []
    for _ in range(5 * options.queries):
        plain.append(elapsed_ms(without))
        recorded.append(elapsed_ms(with_record))
    added = median(recorded) - median(plain)
    yield Figure(
        "added to a reading transaction by its record, commit included", added, "ms", target=Target("<=", 0.5)
    )
    drain(organisation=organisation)


def _reading(options: Options, organisation: UUID, decisions: list[UUID]) -> Iterator[Figure]:
    step = max(1, len(decisions) // options.queries)
    asked = decisions[::step]
    size = f"{len(decisions):,} records"

    def chain(decision: UUID) -> None:
        with tenant_transaction(organisation):
            assert len(get_chain(organisation=organisation, decision=decision)) == CHAIN  # noqa: S101

    def proof(decision: UUID) -> None:
        with tenant_transaction(organisation):
            get_proof(organisation=organisation, decision=decision)

    def page(decision: UUID) -> None:
        with tenant_transaction(organisation):
            rows = DecisionRecord.objects.filter(organisation_id=organisation, id__lt=decision)
            list(rows.select_related("payload").order_by("-id")[:100])

    show = admin_pages()
    targets: dict[str, tuple[Callable[[UUID], None], Target | None]] = {
        "chain of ten": (chain, Target("<=", 3)),
        "proof": (proof, Target("<=", 5)),
        "page of 100": (page, None),
        "admin list": (lambda _: show("accountability/decisionrecord/"), Target("<=", 300)),
        # the worst case: a filter that matches nothing
        "admin list of what is rare": (
            lambda _: show("accountability/decisionrecord/?effect=delete"),
            Target("<=", 300),
        ),
    }
    for name, (ask, target) in targets.items():
        ask(asked[0])
        times = [elapsed_ms(ask, decision) for decision in asked]
        yield from latency(f"{name}, {size}", times, p50=target)


def _verifying(organisation: UUID) -> Iterator[Figure]:
    with tenant_transaction(organisation):
        progress, seconds = timed(lambda: list(verify_log(organisation)))
    last = progress[-1]
    assert last.verdict is not None and last.verdict.holds  # noqa: S101, PT018
    yield Figure("verify_ledger", last.records / seconds, "records/s", target=Target(">=", 50_000))


BENCH = Bench("accountability", "the cost of a durable decision record, and the speed of its log", run)
