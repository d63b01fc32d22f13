"""Causal records: what was done to whom in an experiment, what came of it, and what else was at work. Each is a memory.

A record is not an entry: what a platform reports of the same campaign is summed by the entries alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import NotFound
from memory.types import VISIBLE, MemoryDraft
from workflows.marketing.statements import CAUSAL_RECORDS_OF_EXPERIMENT, CONFOUNDERS, CONFOUNDERS_TOTAL
from workflows.marketing.types import MEASURES

RECORD_TYPE = "causal_marketing_data"
"""The memory type of causal records."""
MAX_POINTS = 10_000


class ExperimentNotFound(NotFound):
    """No causal data of this experiment."""

    code = "marketing.experiment_not_found"


@dataclass(frozen=True, slots=True)
class CausalRecord:
    """A causal record, read.

    Attributes:
        platform: as the caller calls it.
        campaign_id: as the platform calls it.
        timestamp: ISO text, as written.
        day: of the timestamp.
        record_id: the caller's id; empty for none.
        fields: everything that was said, by the original's names; nulls left out.
    """

    platform: str
    campaign_id: str
    timestamp: str
    day: date
    record_id: str
    fields: Mapping[str, Any]

    @property
    def experiment_id(self) -> str:
        """The experiment it belongs to; empty for none."""
        assignment = self.fields.get("treatment_assignment") or {}
        return str(self.fields.get("experiment_id") or assignment.get("experiment_id") or "")

    @property
    def features(self) -> list[str]:
        """The fields that a causal analysis can use."""
        names = (
            "treatment_type", "treatment_group", "treatment_intensity", "treatment_assignment", "experiment_id", "confounders",
            "external_factors", "calendar_features", "lag_features", "geographic_data", "audience_data", "causal_graph",
        )  # fmt: skip
        return [name for name in names if self.fields.get(name) not in (None, "", [], {})]


def memory_of(record: CausalRecord) -> MemoryDraft:
    """Return the memory of a causal record."""
    metadata = dict(record.fields) | {
        "platform": record.platform,
        "campaign_id": record.campaign_id,
        "timestamp": record.timestamp,
        "date": record.day.isoformat(),
    }
    if record.experiment_id:
        metadata["experiment_id"] = record.experiment_id
    return MemoryDraft(
        content=_sentence(record),
        metadata=metadata,
        memory_type=RECORD_TYPE,
        source=record.platform,
        external_id=f"causal:{record.record_id}" if record.record_id else "",
    )


def _sentence(record: CausalRecord) -> str:
    said = record.fields
    name = said.get("campaign_name") or ""
    campaign = f"{name} ({record.campaign_id})" if name else record.campaign_id
    parts = [f"Causal record of {record.platform}, campaign {campaign}, {record.timestamp}"]
    if record.experiment_id:
        parts.append(f"experiment {record.experiment_id}")
    treatment = str(said.get("treatment_type") or "").replace("_", " ")
    if treatment or said.get("treatment_group"):
        intensity = said.get("treatment_intensity")
        of = f" at intensity {intensity:g}" if intensity is not None else ""
        group = f" in group {said['treatment_group']}" if said.get("treatment_group") else ""
        parts.append(f"treatment {treatment or 'unknown'}{of}{group}")
    parts += [f"{name} {said[name]:,}" for name in MEASURES if said.get(name) is not None]
    for key, label, of in (
        ("confounders", "confounders", "variable_name"),
        ("external_factors", "external factors", "factor_name"),
    ):
        names = [str(each[of]) for each in said.get(key) or ()]
        if names:
            parts.append(f"{label} {', '.join(names)}")
    return "; ".join(parts) + "."


def list_points(*, organisation: UUID, experiment: str) -> list[dict[str, Any]]:
    """Return the data points of an experiment in order of time, inside the caller's tenant transaction.

    Raises:
        ExperimentNotFound: there are none that the caller may see.
    """
    values = _values(organisation) | {"experiment": experiment, "most": MAX_POINTS}
    rows = raw_cursor().execute(CAUSAL_RECORDS_OF_EXPERIMENT, values).fetchall()
    if not rows:
        raise ExperimentNotFound
    names = (
        "memory_id", "platform", "campaign_id", "timestamp", "quality_score", "has_treatment", "confounder_count",
        "external_factor_count",
    )  # fmt: skip
    return [dict(zip(names, (str(row[0]), *row[1:]), strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class Confounders:
    """The confounders of a platform's records: figures by variable, and of all records."""

    records: int
    by_variable: dict[str, dict[str, Any]]
    per_record: float
    quality: float | None
    detection_rate: float


def get_confounders(*, organisation: UUID, platform: str, starts_on: date, ends_on: date) -> Confounders:
    """Return the confounders of a platform's records of some days, both included, inside the caller's tenant transaction."""
    values = _values(organisation) | {"platform": platform, "starts_on": starts_on, "ends_on": ends_on}
    total = raw_cursor().execute(CONFOUNDERS_TOTAL, values).fetchone()
    assert total is not None  # noqa: S101  an aggregate has one row
    records, quality, with_some, count = total
    rows = raw_cursor().execute(CONFOUNDERS, values).fetchall()
    return Confounders(
        records,
        {row[0]: _variable(row[1:]) for row in rows},
        count / records if records else 0.0,
        quality,
        with_some / records if records else 0.0,
    )


def _variable(row: Sequence[Any]) -> dict[str, Any]:
    names = ("total_occurrences", "average_importance", "detection_methods", "control_strategies")
    return dict(zip(names, row, strict=True))


def _values(organisation: UUID) -> dict[str, Any]:
    return {"organisation": organisation, "type": RECORD_TYPE, "visible": [str(each) for each in VISIBLE]}
