"""`bench lists`: a page of 100 memories under every kind of condition, in every order, and a count.

One organisation, through the product's write path, as the application role under row-level security. Each figure is the median of
the slowest order for its condition. The rarest conditions hold for one memory in ten thousand, so that none is helped by finding
its page at the beginning of an order.
"""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from uuid import UUID

from tqdm import tqdm

from liftos.bench.database import as_owner
from liftos.bench.search.data import World
from liftos.bench.timing import elapsed_ms
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.prefetch import Ahead
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.embedding.types import Vector
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.writes import Row
from memory.listing.inputs import ListIn
from memory.listing.orders import COLUMNS, NEWEST, Order
from memory.listing.queries import count_memories, find_page
from memory.operations import commit_many, embed_rows, read_drafts
from memory.types import MemoryDraft

BATCH = 500
PAGE = 100
REPEATS = 7
PAGE_MS = Target("<=", 50)
START = datetime(2025, 1, 1, tzinfo=UTC)
ORDERS = (NEWEST, *(Order(column, down) for column in COLUMNS for down in (True, False)))
CONDITIONS: dict[str, dict[str, object]] = {
    "no condition": {},
    "a filter, 10%": {"filters": {"tenth": 3}},
    "a filter, 1 in 10,000": {"filters": {"rare": 7}},
    "filters joined by or and not": {"filters": {"OR": [{"tenth": 3}, {"NOT": {"rare": {"$lt": 9_000}}}]}},
    "a filter by part of a text, 1 in 10,000": {"filters": {"name": {"$icontains": "ITEM 77."}}},
    "a tag, 10%": {"tags": ["tenth 3"]},
    "a tag, 1 in 10,000": {"tags": ["rare 7"]},
    "a thread, 1 in 1,000": {"thread": "thread 5"},
    "a source, 5%": {"source": "source/3"},
    "the beginning of a source, 55%": {"source": {"prefix": "source/1"}},
    "an entity, 1 in 10,000": {"entity": "Person7"},
    "part of a text, 1 in 10,000": {"text": "needle 7 "},
    "part of a text that is nowhere": {"text": "xyzzyq"},
    "a range of times, 1%": {"valid_from": {"$gte": "2025-02-01", "$lt": "2025-02-04"}},
    "no time": {"valid_to": None},
    "a state that none has": {"states": ["contested"]},
}


def run(options: Options) -> Generator[Figure]:
    """Yield the time of a page by condition and of a count."""
    with scratch_database("lists"):
        model_number(MiniLmEmbedder().model)
        organisation = create_organisation(name="bench", by=SYSTEM).id
        _store(organisation, options)
        as_owner("VACUUM (ANALYZE)")
        for title, condition in CONDITIONS.items():
            asked = ListIn.model_validate(condition).narrowed()
            slowest = 0.0
            for order in ORDERS:
                page = partial(find_page, organisation=organisation, narrowed=asked, limit=PAGE, order=order)
                slowest = max(slowest, median(_within(organisation, page) for _ in range(REPEATS)))
            yield Figure(f"page of {PAGE} of {options.memories:,}, {title}", slowest, "ms", target=PAGE_MS)
        count = partial(count_memories, organisation=organisation, narrowed=ListIn().narrowed())
        yield Figure("total of all", median(_within(organisation, count) for _ in range(REPEATS)), "ms")


def _within(organisation: UUID, call: Callable[[], object]) -> float:
    with tenant_transaction(organisation):
        return elapsed_ms(call)


def _store(organisation: UUID, options: Options) -> None:
    world = World(options.seed)
    [plan] = world.plans(options.memories, 1)
    material = world.material(plan)

    def read(start: int) -> list[Row]:
        numbers = range(start, min(start + BATCH, len(material.contents)))
        drafts = [_draft(material.contents[each], material.vectors[each], each) for each in numbers]
        return read_drafts(organisation, drafts)

    starts = tqdm(range(0, len(material.contents), BATCH), desc="memories", unit="batch", disable=None)
    batches = Ahead(read, starts)
    for rows in batches:
        prepared = embed_rows(organisation, rows)
        commit_many(organisation=organisation, by=SYSTEM, prepared=prepared, meanwhile=batches.make_next)


def _draft(text: str, vector: Vector, number: int) -> MemoryDraft:
    rare = number * 7919 % 10_000
    return MemoryDraft(
        f"{text} for @Person{rare} has the needle {rare} in it",
        {"tenth": number % 10, "rare": rare, "name": f"item {rare}.{number}"},
        source=f"source/{number * 31 % 20}",
        external_id=str(number),
        tags=(f"tenth {number % 10}", f"rare {rare}"),
        thread=f"thread {number * 613 % 1_000}",
        importance=(number * 37 % 101) / 100,
        valid_from=START + timedelta(minutes=number * 4_799 % 525_600) if number % 2 else None,
        valid_to=START + timedelta(days=900) if number % 50 == 0 else None,
        embedding=vector,
    )


BENCH = Bench(
    "lists", "a page of 100 memories under every kind of condition in every order, and a count", run
)
