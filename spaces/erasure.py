"""Erasure of memories from spaces: positions, memberships, and descriptions that quote them."""

import json
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going
from liftos.kernel.jobs import send_hint
from spaces.placement.layouts import RENEW
from spaces.placement.outgrowing import mark_outgrown
from spaces.placement.positions import remove_positions
from spaces.statements import (
    BLANK,
    DESCRIBE,
    DESCRIBED_BY,
    FORGET_MEMBERSHIPS,
    MARK_STALE,
    UNDESCRIBE,
    UNLEARN,
)

_SPACES = Place("spaces_space", ("id",), texts=("name", "description"))
_DIMENSIONS = Place(
    "spaces_spacedimension", ("id", "space_id"),
    texts=("name", "description", "unit", "field", "domain"), values=("low", "high", "examples", "levels"),
)  # fmt: skip
_CONCEPTS = Place("spaces_concept", ("id",), texts=("name", "description"))
_LAYOUTS = Place("spaces_layout", ("id",), texts=("error",))
NAMES = "names in spaces"


def erase_positions(going: Going) -> int:
    """Remove memories from every space; return the number of rows. See `memory.ports.SetEraser`.

    If one was a pole or a labelled example, a worker recomputes the axis without it. A concept keeps its learnt prototype but not
    the example's id.
    """
    with whole_tenant(going.organisation):
        return _erase_positions(going)


def _erase_positions(going: Going) -> int:
    values = {"organisation": going.organisation, "memories": list(going.memories)}
    removed = remove_positions(organisation=going.organisation, memories=going.memories)
    with raw_cursor() as cursor:
        removed += cursor.execute(FORGET_MEMBERSHIPS, values).rowcount
        removed += cursor.execute(UNLEARN, values).rowcount
        described = [row[0] for row in cursor.execute(DESCRIBED_BY, values).fetchall()]
        if described:
            removed += cursor.execute(UNDESCRIBE, values | {"spaces": described}).rowcount
    _renew(going.organisation, described)
    mark_outgrown(going.organisation, going.memories)
    return removed


def erase_words(going: Going) -> int:
    """Remove pole texts, examples and descriptions that quote memories; return the number of rows.

    Names stay, since callers use them as identifiers; the receipt counts them. A dimension that loses all texts of a pole places
    nothing until it gets new ones.
    """
    removed, kept = 0, 0
    with raw_cursor() as cursor:
        for place in (_SPACES, _CONCEPTS, _LAYOUTS):
            for id_, *texts in quoting(going, place):
                cursor.execute(BLANK[place.table], (going.organisation, id_))
                removed += 1
                if place is not _LAYOUTS:
                    kept += going.quotes.in_text(texts[0])
        spaces = []
        for id_, space, name, description, unit, field, domain, low, high, examples, levels in quoting(
            going, _DIMENSIONS
        ):
            values = {
                "organisation": going.organisation,
                "id": id_,
                "description": "" if going.quotes.in_text(description) else description,
                "low": _without_quotes(going, low),
                "high": _without_quotes(going, high),
                "examples": json.dumps(_without_quotes(going, examples)),
            }
            cursor.execute(DESCRIBE, values)
            removed += 1
            spaces.append(space)
            kept += any(going.quotes.in_text(each) for each in (name, unit, field, domain, *levels))
    _renew(going.organisation, spaces)
    if kept:
        going.kept[NAMES] = going.kept.get(NAMES, 0) + kept
    return removed


def _without_quotes(going: Going, entries: list[Any]) -> list[Any]:
    return [each for each in entries if not going.quotes.in_value(each, "text")]


def _renew(organisation: UUID, spaces: list[UUID]) -> None:
    """Mark the spaces' axes for recomputation and notify a worker on commit."""
    if spaces:
        raw_cursor().execute(MARK_STALE, {"organisation": organisation, "spaces": spaces})
        transaction.on_commit(lambda: send_hint(RENEW, organisation))
