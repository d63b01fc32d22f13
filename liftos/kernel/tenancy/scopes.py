"""Access scopes: the numbers by which rows say who may see them."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE

# two callers may need the same scope for the first time; a conflicting insert waits for the other's commit, and the following
# statement sees its row
MAKE_SCOPE_OF_GROUPS = """
INSERT INTO tenancy_accessscope (organisation_id, groups) VALUES (%s, %s)
ON CONFLICT (organisation_id, groups) WHERE principal_id IS NULL DO NOTHING
"""
FIND_SCOPE_OF_GROUPS = """
SELECT id FROM tenancy_accessscope WHERE organisation_id = %s AND groups = %s AND principal_id IS NULL
"""
MAKE_SCOPE_OF_PRINCIPAL = """
INSERT INTO tenancy_accessscope (organisation_id, groups, principal_id) VALUES (%s, '{}', %s)
ON CONFLICT (organisation_id, principal_id) WHERE principal_id IS NOT NULL DO NOTHING
"""
FIND_SCOPE_OF_PRINCIPAL = """
SELECT id FROM tenancy_accessscope WHERE organisation_id = %s AND principal_id = %s
"""


def scope_of_groups(*, organisation: UUID, groups: Iterable[UUID]) -> int:
    """Return the scope that members of any of these groups see, made if it is not there; without groups the organisation's."""
    wanted = sorted(set(groups))
    if not wanted:
        return ORGANISATION_SCOPE
    return _find_or_make(organisation, wanted, FIND_SCOPE_OF_GROUPS, MAKE_SCOPE_OF_GROUPS)


def scope_of_principal(*, organisation: UUID, principal: UUID) -> int:
    """Return the scope that only one principal sees, made if it is not there."""
    return _find_or_make(organisation, principal, FIND_SCOPE_OF_PRINCIPAL, MAKE_SCOPE_OF_PRINCIPAL)


def _find_or_make(organisation: UUID, whose: list[UUID] | UUID, find: str, make: str) -> int:
    with tenant_transaction(organisation):
        found = read_value(find, [organisation, whose])
        if found is None:
            raw_cursor().execute(make, [organisation, whose])
            found = read_value(find, [organisation, whose])
    return cast("int", found)
