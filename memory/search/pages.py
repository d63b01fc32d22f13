"""Further pages of a search, the number of memories it may find, and the list that an empty query asks for."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from memory.ports import scope
from memory.search.arms.interface import CANDIDATES
from memory.search.filter_sql import where_row
from memory.search.ranking import Ranking
from memory.search.retrieval_record import NOT_CHOSEN
from memory.search.statements import FINDABLE, NEWEST
from memory.search.types import AbstainReason, Ranked, SearchRequest

DEEPEST = 1_000
"""The best hits of a search that can be paged through."""
_DEEPER = 4


def first_depth(request: SearchRequest) -> int:
    """Return the candidates per arm on the first page of a search."""
    return max(CANDIDATES, request.limit)


def depths_of(first: int) -> tuple[int, ...]:
    """Return the candidates per arm of the searches that reach deeper and deeper, until they reach the deepest page."""
    depths = [first]
    while depths[-1] < DEEPEST + NOT_CHOSEN:
        depths.append(depths[-1] * _DEEPER)
    return tuple(depths)


def one_after_another(rankings: Sequence[Ranking]) -> Ranking:
    """Return one ranking of searches that reach deeper and deeper: what the nearer ones found comes first.

    Pages thus neither repeat nor skip a memory that only more candidates bring forward.
    """
    last = rankings[-1]
    places = {entry.id: entry for ranking in reversed(rankings) for entry in ranking.ranked}
    order = dict.fromkeys(entry.id for ranking in rankings for entry in ranking.ranked)
    rows = {key: row for ranking in rankings for key, row in (ranking.rows or {}).items()}
    return replace(
        rankings[0],
        ranked=[places[memory] for memory in order],
        rows=None if last.rows is None else rows,
        passages=last.passages,
        plans=last.plans,
        candidates=last.candidates,
        below=last.below,
    )


def newest(organisation: UUID, request: SearchRequest) -> Ranking:
    """Return the newest memories that pass the conditions, as far as the page and its runners-up reach."""
    tests, values = where_row(request, "m", blank=False)
    values |= {"organisation": organisation, "limit": request.reach + NOT_CHOSEN}
    # earlier texts are in the order of the ids of their memories
    order = "m.id" if request.known_at is None else "coalesce(m.head, m.id)"
    rows = raw_cursor().execute(NEWEST.format(where=tests, order=order), values).fetchall()
    ranked = [Ranked(memory.bytes, 0.0, ()) for (memory,) in rows]
    return Ranking(
        ranked, {"list": "newest first"}, candidates=len(ranked), doubt=AbstainReason.NOTHING_ASKED
    )


def count_findable(organisation: UUID, request: SearchRequest) -> int:
    """Return the number of memories that pass a search's conditions, whatever its query.

    Raises:
        SpaceNotFound: it names a space that does not exist.
    """
    if request.is_conceptual:
        request = scope().confine(organisation, request)
    tests, values = where_row(request, "m", blank=False)
    values["organisation"] = organisation
    with tenant_transaction(organisation), raw_cursor() as cursor:
        [(count,)] = cursor.execute(FINDABLE.format(where=tests), values).fetchall()
    return int(count)
