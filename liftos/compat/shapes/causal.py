"""Wire shapes of the old causal routes; unknown fields are ignored."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.times import not_before
from memory.inputs import Metadata
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, SearchRequest
from memory.types import MAX_CONTENT
from workflows.marketing.causal_records import RECORD_TYPE, CausalRecord
from workflows.marketing.types import MAX_AMOUNT, DataSource

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=200)]
Amount = Annotated[float, Field(gt=-float(MAX_AMOUNT), lt=float(MAX_AMOUNT), strict=True)]
Count = Annotated[float, Field(ge=0, lt=float(MAX_AMOUNT), strict=True)]
Objective = Literal[
    "awareness", "traffic", "engagement", "leads", "conversions", "sales", "app_installs", "video_views"
]
Status = Literal["active", "paused", "deleted", "pending", "disapproved", "learning"]
Treatment = Literal[
    "budget_increase", "budget_decrease", "targeting_change", "creative_change", "bid_strategy_change", "campaign_launch",
    "campaign_pause", "control",
]  # fmt: skip
Unit = Literal["campaign", "ad_set", "geographic_region", "time_period", "user_segment", "product_category"]
Method = Literal[
    "difference_in_differences", "instrumental_variables", "regression_discontinuity", "matching", "synthetic_control",
    "randomized_experiment",
]  # fmt: skip


def _moment(text: str) -> str:
    """Check an ISO date or time with a four-digit year."""
    try:
        if re.match(r"[0-9]{4}-", text) is None:
            raise ValueError  # noqa: TRY301  as a text that fromisoformat refuses
        datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError(
            "datetime_parsing", "Input should be a valid datetime such as 2024-01-31T10:00:00"
        ) from None
    return text


Timestamp = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class Assignment(BaseModel):
    """The assignment of a unit to its treatment."""

    model_config = ConfigDict(title="SeedTreatmentAssignment")

    unit_id: Text | None = None
    treatment_type: Treatment | None = None
    assignment_probability: Share | None = None
    assignment_date: Timestamp | None = None
    treatment_start_date: Timestamp | None = None
    treatment_end_date: Timestamp | None = None
    randomization_unit: Unit | None = None
    experiment_id: Text | None = None
    control_group: bool | None = None


class Confounder(BaseModel):
    """A variable that moves treatment and outcome."""

    model_config = ConfigDict(title="SeedConfounder")

    variable_name: Annotated[str, Field(min_length=1, max_length=200)]
    variable_type: Text | None = None
    value: Any = None
    importance_score: Share | None = None
    detection_method: Text | None = None
    control_strategy: Text | None = None


class ExternalFactor(BaseModel):
    """Something outside of marketing that moves the outcome."""

    model_config = ConfigDict(title="SeedExternalFactor")

    factor_name: Annotated[str, Field(min_length=1, max_length=200)]
    factor_type: Text | None = None
    value: Any = None
    confidence: Share | None = None
    source: Text | None = None
    timestamp: Timestamp | None = None


class CausalGraph(BaseModel):
    """Variables and what acts on what."""

    model_config = ConfigDict(title="SeedCausalGraph")

    nodes: list[Any] = Field(default_factory=list, max_length=1_000)
    edges: list[Any] = Field(default_factory=list, max_length=10_000)
    treatment_nodes: list[Text] = Field(default_factory=list, max_length=1_000)
    outcome_nodes: list[Text] = Field(default_factory=list, max_length=1_000)
    confounder_nodes: list[Text] = Field(default_factory=list, max_length=1_000)
    mediator_nodes: list[Text] = Field(default_factory=list, max_length=1_000)


class CausalIn(BaseModel):
    """A causal record: the union of what the original's callers send."""

    model_config = ConfigDict(title="SeedCausalRecord")

    timestamp: Timestamp
    campaign_id: Annotated[str, Field(min_length=1, max_length=200)]
    platform: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    data_source: DataSource | None = None
    id: Annotated[str, Field(max_length=200)] | None = None
    campaign_name: Text | None = None
    campaign_objective: Objective | None = None
    campaign_status: Status | None = None
    ad_set_id: Text | None = None
    ad_id: Text | None = None
    treatment_group: Text | None = None
    treatment_type: Treatment | None = None
    treatment_intensity: Share | None = None
    randomization_unit: Unit | None = None
    experiment_id: Text | None = None
    treatment_assignment: Assignment | None = None
    spend: Amount | None = None
    impressions: Count | None = None
    clicks: Count | None = None
    conversions: Count | None = None
    revenue: Amount | None = None
    platform_metrics: Metadata | None = None
    confounders: list[Confounder] | None = Field(default=None, max_length=200)
    external_factors: list[ExternalFactor] | None = Field(default=None, max_length=200)
    calendar_features: Metadata | None = None
    lag_features: Metadata | None = None
    geographic_data: Metadata | None = None
    audience_data: Metadata | None = None
    causal_graph: CausalGraph | None = None
    quality_score: Share | None = None
    data_quality_score: Share | None = None

    @model_validator(mode="after")
    def check_platform(self) -> Self:
        """Require a platform."""
        if self.platform is None and self.data_source is None:
            raise PydanticCustomError("missing", "platform or data_source is required")
        return self

    @property
    def quality(self) -> float | None:
        """The quality score by either name."""
        return self.data_quality_score if self.quality_score is None else self.quality_score

    def record(self) -> CausalRecord:
        """Return the record."""
        said = self.model_dump(
            mode="json",
            exclude_none=True,
            exclude={"timestamp", "campaign_id", "platform", "id", "data_quality_score"},
        )
        if self.quality is not None:
            said["quality_score"] = self.quality
        for name in ("spend", "impressions", "clicks", "conversions", "revenue"):
            if name in said and float(said[name]).is_integer():
                said[name] = int(said[name])
        return CausalRecord(
            platform=self.platform or str(self.data_source),
            campaign_id=self.campaign_id,
            timestamp=self.timestamp,
            day=datetime.fromisoformat(self.timestamp).date(),
            record_id=self.id or "",
            fields=said,
        )


class ConfounderQuery(BaseModel):
    """The platform and the days, both included, whose confounders are counted."""

    platform: Annotated[QueryText, Field(min_length=1, max_length=100)]
    date_range_start: date
    date_range_end: date

    _in_order = not_before("date_range_end", "date_range_start")


class TimeWindow(BaseModel):
    """A window of time."""

    model_config = ConfigDict(title="SeedTimeWindow")

    start: Timestamp
    end: Timestamp


class CausalSearchIn(BaseModel):
    """A search among causal records."""

    model_config = ConfigDict(title="SeedCausalSearch")

    platform: Text | None = None
    analysis_type: Annotated[str, Field(min_length=1, max_length=200)]
    causal_method: Method | None = None
    treatment_variable: Text | None = None
    outcome_variable: Text | None = None
    confounders: list[Text] | None = Field(default=None, max_length=100)
    date_range_start: date | None = None
    date_range_end: date | None = None
    time_window: TimeWindow | None = None
    data_query: str | None = Field(default=None, max_length=MAX_CONTENT)
    limit: int = Field(default=100, ge=1, le=MAX_LIMIT)

    _in_order = not_before("date_range_end", "date_range_start")

    @model_validator(mode="after")
    def check_window(self) -> Self:
        """Refuse a window that ends before it starts."""
        if self.time_window is not None and _instant(self.time_window.end) < _instant(self.time_window.start):
            raise PydanticCustomError("time_window", "time_window.end must not be before time_window.start")
        return self

    def request(self) -> SearchRequest:
        """Return the search: the query's words, or else those of what is analysed."""
        words = self.data_query
        if words is None:
            words = " ".join(filter(None, (self.treatment_variable, self.outcome_variable)))
        wanted: dict[str, Any] = {}
        if self.platform:
            wanted["platform"] = self.platform
        if self.confounders:
            wanted["confounders.variable_name"] = {"$in": self.confounders}
        days: dict[str, str] = {}
        if self.date_range_start is not None:
            days["$gte"] = self.date_range_start.isoformat()
        if self.date_range_end is not None:
            days["$lte"] = self.date_range_end.isoformat()
        within = [{"date": days}] if days else []
        if self.time_window is not None:
            window = self.time_window
            within.append({"date": {"$gte": window.start[:10], "$lte": window.end[:10]}})
        if within:
            wanted["$and"] = within
        return SearchRequest(
            query=words, limit=self.limit, memory_type=RECORD_TYPE, conditions=parse_filters(wanted)
        )


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
