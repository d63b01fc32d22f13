"""The last step of most queries: one row, or a page of the newest."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def one_or(missing: Exception | type[Exception], rows: "QuerySet[M]") -> M:
    """Return the first row; raise `missing` if there is none."""
    row = rows.first()
    if row is None:
        raise missing
    return row


def newest(rows: "QuerySet[M]", limit: int | None, before: UUID | None = None) -> list[M]:
    """Return at most `limit` rows, all if None, the newest first; those before an id if it is given."""
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])
