"""Find memories that need attention: contradictions, duplicates, old contested memories, missing sources and vectors."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from liftos.kernel.db.transactions import raw_cursor
from memory.models import Memory
from memory.statements import CONTRADICTIONS, DUPLICATES
from memory.types import VISIBLE, EmbeddingState, TrustState


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two active memories, one of which contradicts the other."""

    contradicted: UUID
    contradicting: UUID
    contradicted_text: str
    contradicting_text: str


@dataclass(frozen=True, slots=True)
class Double:
    """A value in several memories: the first 20 ids, their number, the text."""

    memories: tuple[UUID, ...]
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A memory that has been contested for a long time."""

    memory: UUID
    since: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """The findings.

    Attributes:
        memories: number of active and contested memories.
        contradictions, doubles, doubts: limited findings of each kind.
        unsourced: number of memories without a source.
        waiting: number of memories without a vector yet.
    """

    memories: int
    contradictions: tuple[Contradiction, ...]
    doubles: tuple[Double, ...]
    doubts: tuple[Doubt, ...]
    unsourced: int
    waiting: int


def check_health(*, organisation: UUID, now: datetime, limit: int, contested_for: timedelta) -> Health:
    """Check an organisation's memories, inside the caller's tenant transaction.

    Args:
        organisation: the tenant.
        now: aware UTC.
        limit: maximum findings of each kind.
        contested_for: minimum age of doubts.

    Cost: reads every memory once for duplicates, and every contradiction.
    """
    values: dict[str, Any] = {"organisation": organisation, "limit": limit, "now": now}
    believed = Memory.objects.filter(organisation_id=organisation, head=None, state__in=VISIBLE)
    believed = believed.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    with raw_cursor() as cursor:
        contradictions = cursor.execute(CONTRADICTIONS, values).fetchall()
        doubles = cursor.execute(DUPLICATES, values | {"visible": [str(each) for each in VISIBLE]}).fetchall()
    doubts = believed.filter(state=TrustState.CONTESTED, changed_at__lte=now - contested_for).order_by(
        "changed_at"
    )
    return Health(
        memories=believed.count(),
        contradictions=tuple(Contradiction(*row) for row in contradictions),
        doubles=tuple(Double(tuple(ids), count, text) for ids, count, text in doubles),
        doubts=tuple(Doubt(*row) for row in doubts.values_list("id", "changed_at", "content")[:limit]),
        unsourced=believed.filter(source="").count(),
        waiting=believed.filter(embedding=EmbeddingState.PENDING).count(),
    )
