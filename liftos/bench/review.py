"""`bench review`: the admin with a long log and many memories, and a review queue of every decision in the log."""

import random
from collections.abc import Callable, Generator, Iterator
from statistics import median, quantiles
from uuid import UUID

from accountability.models import DecisionRecord
from accountability.reviews.operations import review
from accountability.reviews.policy import set_policy
from accountability.reviews.queries import Order, get_next, list_queue
from accountability.types import Policy, Verdict
from liftos.bench.accountability.ledger_fill import fill
from liftos.bench.database import admin_pages, as_owner
from liftos.bench.search.data import World
from liftos.bench.search.loading import load
from liftos.bench.timing import elapsed_ms, latency
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import MiniLmEmbedder
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

MOST = 100_000  # memories
REVIEWER = Actor(ActorKind.STAFF, "bench")
_LIST = "accountability/reviewcase/"
# a queue of all risks, confidences and points, a tenth of it settled
_SPREAD = """
UPDATE accountability_reviewcase SET
    rank = CASE WHEN random() < 0.02 THEN 1 WHEN random() < 0.2 THEN 2 ELSE 3 END,
    sureness = CASE WHEN random() < 0.3 THEN 2 ELSE random() END,
    decision_point = 'point ' || floor(random() * 20)::int,
    state = CASE WHEN random() < 0.1 THEN 'approved' ELSE 'open' END
WHERE organisation_id = %s
"""
_ADMIN = {
    "first page": ("", 500),
    "list of decisions": ("accountability/decisionrecord/", 300),
    "list of memories": ("memory/memory/", 300),
    "list of memories, a question": ("memory/memory/?q=which+market+grew", 300),
}
_PAGES = {
    "by risk": "",
    "by confidence": "?o=2",
    "by age, newest first": "?o=-8",
    "by decision point": "?o=4",
    "of high risk": "?risk=1",
    "assigned to me, of which there are none": "?assigned=me",
    "of what is settled": "?state=approved",
}


def run(options: Options) -> Generator[Figure]:
    """Yield the times of listing, opening the next decision, and a verdict."""
    with scratch_database("bench"):
        world = World(options.seed)
        plans = world.plans(min(options.memories, MOST), 1)
        [loaded] = load(world, plans, model_number(MiniLmEmbedder().model)).organisations
        organisation = loaded.id
        set_policy(organisation=organisation, by=SYSTEM, policy=Policy(confidence_below=1.0))
        decisions = fill(organisation, options.records)
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute(_SPREAD, [organisation])
        as_owner("VACUUM ANALYZE")
        show = admin_pages()
        yield from _first_pages(options, show, len(decisions))
        yield from _admin(options, show, decisions)
        yield from _queries(options, organisation, decisions)
        yield from _verdicts(options, organisation)


def _first_pages(options: Options, show: Callable[[str], None], decisions: int) -> Iterator[Figure]:
    size = f", {decisions:,} decisions, {min(options.memories, MOST):,} memories"
    for name, (path, wanted) in _ADMIN.items():
        show(path)
        times = [elapsed_ms(show, path) for _ in range(options.queries)]
        yield from latency(f"admin {name}", times, p50=Target("<=", wanted), also=size)


def _admin(options: Options, show: Callable[[str], None], decisions: list[UUID]) -> Iterator[Figure]:
    size = f", {len(decisions):,} in the queue"
    for name, query in _PAGES.items():
        show(f"{_LIST}{query}")
        times = [elapsed_ms(show, f"{_LIST}{query}") for _ in range(options.queries)]
        yield from latency(f"admin list {name}", times, p50=Target("<=", 300), also=size)
    pages = [f"{_LIST}{decision}/change/" for decision in _chosen(options, decisions)]
    show(pages[0])
    times = [elapsed_ms(show, each) for each in pages]
    yield Figure("admin page of one review: p50", median(times), "ms", target=Target("<=", 300))


def _chosen(options: Options, decisions: list[UUID]) -> list[UUID]:
    return random.Random(options.seed).sample(decisions, min(options.queries, len(decisions)))  # noqa: S311  no secret


def _queries(options: Options, organisation: UUID, decisions: list[UUID]) -> Iterator[Figure]:
    chosen = _chosen(options, decisions)
    for order in Order:

        def after(decision: UUID, order: Order = order) -> None:
            with tenant_transaction(organisation):
                list_queue(organisation=organisation, limit=51, order=order, after=decision)

        after(chosen[0])
        times = [elapsed_ms(after, each) for each in chosen]
        yield Figure(f"page of 50 anywhere in the order of {order}: p95", quantiles(times, n=20)[-1], "ms")

    def following(decision: UUID) -> None:
        with tenant_transaction(organisation):
            get_next(organisation=organisation, reviewer="bench", after=decision)

    times = [elapsed_ms(following, each) for each in chosen]
    yield Figure("the next decision: p95", quantiles(times, n=20)[-1], "ms")


def _verdicts(options: Options, organisation: UUID) -> Iterator[Figure]:
    with tenant_transaction(organisation):
        waiting = DecisionRecord.objects.filter(review_case__state="open", organisation_id=organisation)
        chosen = list(waiting.values_list("id", flat=True)[: options.queries])

    def approve(decision: UUID) -> None:
        review(organisation=organisation, by=REVIEWER, decision=decision, verdict=Verdict.APPROVE)

    times = [elapsed_ms(approve, each) for each in chosen]
    yield Figure("a verdict, durably: p50", median(times), "ms")


BENCH = Bench("review", "the review queue with every decision waiting", run)
