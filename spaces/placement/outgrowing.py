"""Outgrown scales: those whose number of texts has changed too much since they were computed.

Changes of a space's members check it, about every n/64 changes for n texts: about six times before the texts have grown by a
tenth, at constant cost per change. The check marks outgrown scales in the changing transaction. A worker recomputes them; the sweep
finds marks whose hint was lost.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.jobs import send_hint
from spaces.placement.layouts import RENEW
from spaces.placement.own_texts import Counts, count_own
from spaces.placement.statements import MARK_OUTGROWN, SCALES_IN_USE

# Growth at which a scale is recomputed, and the least number of texts. A tenth, because texts may arrive in the dimension's own order:
# the temperature set, coldest first, has Spearman .88 on a scale of all texts, .65 on one without the last third.
GROWTH = 1.1
MIN_TEXTS = 8
CHECKS = 64


def is_due(memories: Sequence[UUID], own: int) -> bool:
    """Return whether a change of these memories is one at which a scale of `own` texts is checked."""
    # the last bytes of an id are random
    every = max(1, own // CHECKS)
    return any(int.from_bytes(each.bytes[-4:]) % every == 0 for each in memories)


def is_outgrown(then: int, now: int) -> bool:
    """Return whether a scale computed on `then` texts is outgrown with `now` texts."""
    return now >= max(MIN_TEXTS, GROWTH * then) or (then >= MIN_TEXTS and now * GROWTH <= then)


def mark_outgrown(organisation: UUID, changed: Sequence[UUID] | None = None) -> bool:
    """Mark outgrown scales and notify a worker on commit; inside a tenant transaction.

    Args:
        organisation: whose.
        changed: the changed memories, to check only scales that are due; None checks all.

    Returns:
        Whether there were any.
    """
    rows = raw_cursor().execute(SCALES_IN_USE, {"organisation": organisation}).fetchall()
    counted: dict[tuple[int, UUID | None], Counts] = {}
    found = []
    for layout, model, space, own, around in rows:
        if changed is not None and not is_due(changed, own):
            continue
        key = model, space
        if key not in counted:
            counted[key] = count_own(organisation=organisation, model=model, space=space)
        now = counted[key]
        if is_outgrown(own, now.own) or (space is not None and is_outgrown(around, now.around)):
            found.append(layout)
    if found:
        raw_cursor().execute(MARK_OUTGROWN, {"organisation": organisation, "layouts": found})
        transaction.on_commit(lambda: send_hint(RENEW, organisation))
    return bool(found)
