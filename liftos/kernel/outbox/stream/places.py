"""The beginning of a stream."""

from uuid import UUID

from liftos.kernel.db.transactions import read_value, whole_tenant
from liftos.kernel.errors import InvalidInput
from liftos.kernel.outbox.statements import OLDEST_KEPT, READ_LAST
from liftos.kernel.outbox.stream.errors import EventsGone


def begin_after(*, organisation: UUID, asked: int | None, loc: tuple[str, ...]) -> int:
    """Return the sequence number after which a stream begins.

    Args:
        organisation: the tenant.
        asked: what the client has read up to, 0 for nothing; None to begin with what happens from now on.
        loc: where the client said so.

    Raises:
        EventsGone: what followed is no longer kept.
        InvalidInput: there is no such event yet.
    """
    with whole_tenant(organisation):
        last = read_value(READ_LAST, [organisation]) or 0
        if asked is None or asked == last:
            return last
        if asked > last:
            raise InvalidInput(f"There is no event {asked} yet; the last is {last}.", loc=loc)
        oldest = read_value(OLDEST_KEPT, [organisation])
    if asked and (oldest is None or oldest > asked + 1):
        raise EventsGone
    return asked
