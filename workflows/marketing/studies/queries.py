"""Read experiments and models, inside the caller's tenant transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import NotFound
from memory.models import Memory
from workflows.marketing.studies.statements import ESTIMATES, LIST_STUDIES
from workflows.marketing.studies.types import Estimate, StudyKind

MAX_ESTIMATES = 10_000


class StudyNotFound(NotFound):
    """No such experiment or model."""

    code = "marketing.study_not_found"


@dataclass(frozen=True, slots=True)
class AskedStudies:
    """The studies asked for: of a kind (None for both), channel, metric ("" for all), and days that overlap these."""

    kind: StudyKind | None = None
    channel: str = ""
    metric: str = ""
    starts_on: date | None = None
    ends_on: date | None = None

    def values(self, organisation: UUID) -> dict[str, Any]:
        """Return the parameters of the statements."""
        return {
            "organisation": organisation,
            "kind": None if self.kind is None else str(self.kind),
            "channel": self.channel,
            "metric": self.metric,
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
        }


def list_studies(
    *, organisation: UUID, asked: AskedStudies, limit: int, before: UUID | None = None
) -> list[Memory]:
    """Return the memories of studies, newest stored first; those rejected, superseded or expired are left out."""
    values = asked.values(organisation) | {"before": before, "limit": limit}
    ids = [row[0] for row in raw_cursor().execute(LIST_STUDIES, values).fetchall()]
    rows = Memory.objects.filter(organisation_id=organisation, id__in=ids).prefetch_related("links")
    return sorted(rows, key=lambda each: each.id, reverse=True)


def get_study(*, organisation: UUID, kind: StudyKind, study: UUID) -> Memory:
    """Return the memory of a study, in whatever trust state.

    Raises:
        StudyNotFound: there is none of this kind that the caller may see.
    """
    rows = Memory.objects.filter(
        organisation_id=organisation, id=study, head=None, memory_type=str(kind), metadata__study=str(kind)
    )
    found = rows.prefetch_related("links").first()
    if found is None:
        raise StudyNotFound(f"No such {'experiment' if kind is StudyKind.EXPERIMENT else 'model'}.")
    return found


def list_estimates(*, organisation: UUID, asked: AskedStudies) -> list[Estimate]:
    """Return the estimates of studies by their last day; planned experiments have none."""
    values = asked.values(organisation) | {"limit": MAX_ESTIMATES}
    rows = raw_cursor().execute(ESTIMATES, values).fetchall()
    return [_estimate(row) for row in rows]


def _estimate(row: Sequence[Any]) -> Estimate:
    study, name, kind, channel, metric, starts_on, ends_on, value, low, high, level, fields = row
    return Estimate(
        study,
        name or "",
        StudyKind(kind),
        channel,
        metric,
        starts_on,
        ends_on,
        value,
        low,
        high,
        level,
        json.loads(fields),
    )
