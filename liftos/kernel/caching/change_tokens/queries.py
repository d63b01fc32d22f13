"""The state of watched data that a transaction sees."""

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
    """A state of watched data.

    Attributes:
        name: equal for two readers only if they see the same data.
        is_own: the reading transaction has itself written to it, so no other sees this state yet.
    """

    name: str
    is_own: bool


ONLY = Generation("", is_own=False)
"""The state of no data, for functions that read none."""


def get_generation(*, organisation: UUID, things: Sequence[str]) -> Generation:
    """Return the generation seen by the open transaction, or by a new one if none is open.

    Args:
        organisation: a tenant.
        things: topics as in `Watch`; unwatched ones never change.
    """
    if not things:
        return ONLY
    if current_organisation() == organisation:
        return _read(organisation, things)
    # one round trip for BEGIN and the query, one for the COMMIT
    with tenant_pipeline(organisation):
        return _read(organisation, things)


def _read(organisation: UUID, things: Sequence[str]) -> Generation:
    row = raw_cursor().execute(_SEEN, (organisation, list(things))).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return Generation(row[0], is_own=row[1])
