"""Which state of some things this transaction sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.transactions import current_organisation, raw_cursor, tenant_pipeline

_SEEN = """
SELECT coalesce(string_agg(m.thing || m.token::text, ',' ORDER BY m.thing, m.token), ''),
       coalesce(bool_or(m.xid = pg_current_xact_id_if_assigned()::text::bigint), false)
FROM generations_mark AS m WHERE m.organisation_id = %s AND m.thing = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """A state of some things.

    Attributes:
        name: equal for two readers only if they see the same.
        is_own: the reading transaction has itself written to them: the state is not (yet) anybody else's.
    """

    name: str
    is_own: bool


ONLY = Generation("", is_own=False)
"""The state of nothing: what reads nothing has no other, so nobody need be asked."""


def get_generation(*, organisation: UUID, things: Sequence[str]) -> Generation:
    """Return the state of things that the open transaction sees, or a new one where none is open.

    Args:
        organisation: whose.
        things: names as `Watch` has them; a thing that nobody watches has one state for ever.
    """
    if not things:
        return ONLY
    if current_organisation() == organisation:
        return _read(organisation, things)
    # one round trip for BEGIN and the question, one for the COMMIT
    with tenant_pipeline(organisation):
        return _read(organisation, things)


def _read(organisation: UUID, things: Sequence[str]) -> Generation:
    with raw_cursor() as cursor:
        row = cursor.execute(_SEEN, (organisation, list(things))).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return Generation(row[0], is_own=row[1])
