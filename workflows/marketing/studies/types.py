"""Types of experiments and models. No Django."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID


class StudyKind(StrEnum):
    """The types of memories that experiments and models are."""

    EXPERIMENT = "experiment"
    MODEL = "model_run"


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its interval, normal around it as far as calibration is concerned.

    Attributes:
        study: the memory of its experiment or model.
        name: of that.
        kind: which of both.
        channel, metric: what it is of, such as search and roas.
        starts_on, ends_on: the days it is about, both included.
        value: the estimate.
        low, high: its interval.
        level: of the interval, 0..1.
        fields: the study's, by the API's names.
    """

    study: UUID
    name: str
    kind: StudyKind
    channel: str
    metric: str
    starts_on: date
    ends_on: date
    value: float
    low: float
    high: float
    level: float
    fields: Mapping[str, Any]
