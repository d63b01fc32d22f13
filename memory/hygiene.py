"""What in an organisation's memory somebody should look at: contradictions, doubles, doubts left open, missing sources."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from liftos.kernel.db.transactions import raw_cursor
from memory.models import Memory
from memory.types import VISIBLE, EmbeddingState, TrustState

# each pair once, whichever of the two says it, and if both do the later one; only where both are still simply believed
_CONTRADICTIONS = """
SELECT DISTINCT ON (least(a.id, b.id), greatest(a.id, b.id))
       b.id AS contradicted, a.id AS contradicting, b.content, a.content
FROM memory_memorylink AS l
JOIN memory_memory AS a ON a.organisation_id = l.organisation_id AND a.id = l.memory_id
JOIN memory_memory AS b ON b.organisation_id = l.organisation_id AND b.id = l.target_id
WHERE l.organisation_id = %(organisation)s AND l.kind = 'contradicts' AND a.id <> b.id
  AND a.head IS NULL AND b.head IS NULL AND a.state = 'active' AND b.state = 'active'
  AND (a.expires_at IS NULL OR a.expires_at > %(now)s) AND (b.expires_at IS NULL OR b.expires_at > %(now)s)
ORDER BY least(a.id, b.id), greatest(a.id, b.id), a.id DESC LIMIT %(limit)s
"""
# `value` is the keyed hash of the text as it is read, however it is written (memory/analysis/values.py)
_DOUBLES = """
SELECT (array_agg(m.id ORDER BY m.id))[1:20], count(*), (array_agg(m.content ORDER BY m.id))[1]
FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND m.state = ANY(%(visible)s) AND m.value IS NOT NULL
  AND (m.expires_at IS NULL OR m.expires_at > %(now)s)
GROUP BY m.value HAVING count(*) > 1 ORDER BY count(*) DESC, (array_agg(m.id ORDER BY m.id))[1] LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two memories that are both believed, of which one says that the other is wrong."""

    contradicted: UUID
    contradicting: UUID
    contradicted_text: str
    contradicting_text: str


@dataclass(frozen=True, slots=True)
class Double:
    """One value that stands in several memories: the first 20 of them, how many there are, its text."""

    memories: tuple[UUID, ...]
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A memory that has been contested for long."""

    memory: UUID
    since: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """What was found.

    Attributes:
        memories: believed, contested ones included.
        contradictions: at most as many as were asked for; so are doubles and doubts.
        unsourced: memories that don't say where they come from.
        waiting: memories that wait for their vector.
    """

    memories: int
    contradictions: tuple[Contradiction, ...]
    doubles: tuple[Double, ...]
    doubts: tuple[Doubt, ...]
    unsourced: int
    waiting: int


def look_after(*, organisation: UUID, now: datetime, limit: int, contested_for: timedelta) -> Health:
    """Look through an organisation's memory, inside the caller's tenant transaction.

    Args:
        organisation: whose.
        now: aware UTC.
        limit: findings of each kind.
        contested_for: doubts that are older are told of.

    Cost: reads every memory once for doubles, and every contradiction.
    """
    values: dict[str, Any] = {"organisation": organisation, "limit": limit, "now": now}
    believed = Memory.objects.filter(organisation_id=organisation, head=None, state__in=VISIBLE)
    believed = believed.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    with raw_cursor() as cursor:
        contradictions = cursor.execute(_CONTRADICTIONS, values).fetchall()
        doubles = cursor.execute(_DOUBLES, values | {"visible": [str(each) for each in VISIBLE]}).fetchall()
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
