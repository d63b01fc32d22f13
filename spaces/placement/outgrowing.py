"""When a scale no longer serves: the texts it was made on have become many more, or many fewer.

Whoever changes a space's members looks, not each time, but so often that a scale is looked at some six times before its texts
have grown by a tenth, however large it is: counting n texts every n/64 changes costs the same for each. What is found is marked in the
changing transaction. A worker makes the scale anew; the sweep finds a mark whose hint was lost.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.jobs import send_hint
from spaces.placement.layouts import RENEW
from spaces.placement.own_texts import Counts, count_own
from spaces.placement.statements import MARK_OUTGROWN, SCALES_IN_USE

# A scale is made anew on so many times the texts it was made on, and at least so many. A tenth, because texts may come in the very order
# that the dimension is about: our temperatures, coldest first, are ordered with .88 on a scale made on all, .65 without the last third.
GROWTH = 1.1
LEAST = 8
CHECKS = 64


def is_due(memories: Sequence[UUID], own: int) -> bool:
    """Return whether the change of some memories is one at which a scale made on so many texts is looked at."""
    # the last bytes of an id are random
    every = max(1, own // CHECKS)
    return any(int.from_bytes(each.bytes[-4:]) % every == 0 for each in memories)


def is_outgrown(then: int, now: int) -> bool:
    """Return whether a scale made on `then` texts no longer serves `now`."""
    return now >= max(LEAST, GROWTH * then) or (then >= LEAST and now * GROWTH <= then)


def mark_outgrown(organisation: UUID, changed: Sequence[UUID] | None = None) -> bool:
    """Mark the scales that no longer serve and tell a worker; inside a tenant transaction.

    Args:
        organisation: whose.
        changed: look only at scales for which the change of these is due; None for all.

    Returns:
        Whether there were any.
    """
    with raw_cursor() as cursor:
        rows = cursor.execute(SCALES_IN_USE, {"organisation": organisation}).fetchall()
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
        with raw_cursor() as cursor:
            cursor.execute(MARK_OUTGROWN, {"organisation": organisation, "layouts": found})
        transaction.on_commit(lambda: send_hint(RENEW, organisation))
    return bool(found)
