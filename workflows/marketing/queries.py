"""Look up entries by what their platforms call them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from workflows.marketing.statements import FIND_ENTRIES
from workflows.marketing.types import EntryDraft


@dataclass(frozen=True, slots=True)
class Known:
    """A stored entry with its memory."""

    entry_id: UUID
    memory_id: UUID
    content: str
    metadata: Mapping[str, Any]


def find_entries(*, organisation: UUID, drafts: Mapping[int, EntryDraft]) -> dict[int, Known]:
    """Return the entries that are stored already, by the drafts' keys."""
    if not drafts:
        return {}
    values = {
        "organisation": organisation,
        "indexes": list(drafts),
        "source": str(next(iter(drafts.values())).source),
        "ids": [each.source_id for each in drafts.values()],
        "starts": [each.starts_on for each in drafts.values()],
        "ends": [each.ends_on for each in drafts.values()],
    }
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute(FIND_ENTRIES, values).fetchall()
    return {row[0]: Known(row[1], row[2], row[3], json.loads(row[4])) for row in rows}
