"""`bench care`: doubles and changed values planted among notes that are alike, and what care proposes of them."""

from collections.abc import Generator
from random import Random
from uuid import UUID

from django.utils import timezone
from tqdm import tqdm

from liftos.bench.care_data import Planted, background, changes, doubles
from liftos.bench.database import scratch_organisation
from liftos.bench.timing import timed
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.care.runs import care
from memory.index.vector_graph import grow_graph
from memory.models import Memory, Proposal
from memory.operations import commit_many, prepare
from memory.types import MemoryDraft

MOST, DOUBLES, CHANGES, BATCH = 20_000, 100, 50, 500


def run(options: Options) -> Generator[Figure]:
    """Yield how many of the planted pairs are proposed, how many other pairs, and the times of the first and the next run."""
    draws = Random(options.seed)  # noqa: S311  texts
    planted = {"double": doubles(draws, DOUBLES), "supersession": changes(draws, CHANGES)}
    pairs = [pair for some in planted.values() for pair in some]
    said = {text for pair in pairs for text in (pair.first, pair.second)}
    size = min(options.memories, MOST)
    others: dict[str, None] = {}
    texts = background(draws)
    while len(others) < size - 2 * len(pairs):
        text = next(texts)
        if text not in said:
            others[text] = None
    early, late = [pair.first for pair in pairs] + list(others), [pair.second for pair in pairs]
    with scratch_organisation() as organisation:
        draws.shuffle(early)
        _store(organisation, early)
        _store(organisation, late)
        while grow_graph(organisation):
            pass
        done, took = timed(lambda: care(organisation=organisation, by=SYSTEM, now=timezone.now()))
        _, again = timed(lambda: care(organisation=organisation, by=SYSTEM, now=timezone.now()))
        right, wrong = _judge(organisation, planted)
    yield Figure(f"doubles proposed, of {DOUBLES}", right["double"], "", target=Target(">=", 90))
    yield Figure(f"changed values proposed, of {CHANGES}", right["supersession"], "", target=Target(">=", 45))
    yield Figure(f"wrong proposals among {size:,} memories", len(wrong), "", target=Target("<=", 10))
    yield Figure(f"first run, {done.examined:,} looks", took, "s")
    yield Figure("next run", again, "s")


def _store(organisation: UUID, texts: list[str]) -> None:
    for start in tqdm(range(0, len(texts), BATCH), unit="batch", desc="storing", disable=None):
        drafts = [MemoryDraft(text) for text in texts[start : start + BATCH]]
        commit_many(organisation=organisation, by=SYSTEM, prepared=prepare(organisation, drafts))


def _judge(
    organisation: UUID, planted: dict[str, list[Planted]]
) -> tuple[dict[str, int], list[tuple[str, str, str]]]:
    """Return the number of planted pairs proposed, by kind, and the other proposals with their texts."""
    with tenant_transaction(organisation):
        rows = list(Proposal.objects.filter(organisation_id=organisation))
        wanted = {ident for row in rows for ident in (row.memory_id, row.other_id)}
        texts = dict(Memory.objects.filter(id__in=wanted).values_list("id", "content"))
    known = {kind: {frozenset((pair.first, pair.second)) for pair in some} for kind, some in planted.items()}
    every = set().union(*known.values())
    right, wrong = dict.fromkeys(known, 0), []
    for row in rows:
        pair = frozenset((texts[row.memory_id], texts[row.other_id]))
        if pair in known.get(row.kind, ()):
            right[row.kind] += 1
        elif pair not in every:
            wrong.append((row.kind, texts[row.memory_id], texts[row.other_id]))
    return right, wrong


BENCH = Bench(
    "care", "doubles and changed values that care proposes, of those planted among other memories", run
)
