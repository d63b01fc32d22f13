"""What spaces keep of memories, removed with them: positions, memberships, and what describes a space in their words."""

import json
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going
from liftos.kernel.jobs import send_hint
from spaces.placement.layouts import RENEW
from spaces.placement.outgrowing import mark_outgrown
from spaces.placement.positions import remove_positions
from spaces.statements import DESCRIBE, DESCRIBED_BY, FORGET_MEMBERSHIPS, MARK_STALE, UNDESCRIBE, UNLEARN

_SPACES = Place("spaces_space", ("id",), texts=("name", "description"))
_DIMENSIONS = Place(
    "spaces_spacedimension", ("id", "space_id"),
    texts=("name", "description", "unit", "field", "domain"), values=("low", "high", "examples", "levels"),
)  # fmt: skip
_CONCEPTS = Place("spaces_concept", ("id",), texts=("name", "description"))
_LAYOUTS = Place("spaces_layout", ("id",), texts=("error",))
_BLANK = {
    "spaces_space": "UPDATE spaces_space SET description = '' WHERE organisation_id = %s AND id = %s",
    "spaces_concept": "UPDATE spaces_concept SET description = '' WHERE organisation_id = %s AND id = %s",
    "spaces_layout": "UPDATE spaces_layout SET error = '' WHERE organisation_id = %s AND id = %s",
}
NAMES = "names in spaces"


def erase_positions(going: Going) -> int:
    """Remove memories from every space; return how many rows. See `memory.ports.SetEraser`.

    Where one stood for a pole or was a labelled example, the axis is made anew without it by a worker; until then the axis is a mean
    of which it was a part. A concept keeps the prototype that was learnt, without the example's name.
    """
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
    """Remove pole texts, examples and descriptions that quote memories; return of how many rows.

    Names stay, for callers know things by them: the receipt says how many there are. An axis whose pole has lost all its texts
    places nothing until somebody gives it others.
    """
    removed, kept = 0, 0
    with raw_cursor() as cursor:
        for place in (_SPACES, _CONCEPTS, _LAYOUTS):
            for id_, *texts in quoting(going, place):
                cursor.execute(_BLANK[place.table], (going.organisation, id_))
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
                "low": _unquoting(going, low),
                "high": _unquoting(going, high),
                "examples": json.dumps(_unquoting(going, examples)),
            }
            cursor.execute(DESCRIBE, values)
            removed += 1
            spaces.append(space)
            kept += any(going.quotes.in_text(each) for each in (name, unit, field, domain, *levels))
    _renew(going.organisation, spaces)
    if kept:
        going.kept[NAMES] = going.kept.get(NAMES, 0) + kept
    return removed


def _unquoting(going: Going, entries: list[Any]) -> list[Any]:
    return [each for each in entries if not going.quotes.in_value(each, "text")]


def _renew(organisation: UUID, spaces: list[UUID]) -> None:
    """Have the axes of spaces made anew by a worker."""
    if spaces:
        with raw_cursor() as cursor:
            cursor.execute(MARK_STALE, {"organisation": organisation, "spaces": spaces})
        transaction.on_commit(lambda: send_hint(RENEW, organisation))
