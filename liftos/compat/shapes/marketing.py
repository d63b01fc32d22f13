"""Wire shapes of the old marketing routes; unknown fields are ignored."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from liftos.compat.shapes.memory import SEARCH_TYPES
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.times import not_before
from memory.inputs import Metadata
from memory.search.filters import parse_filters
from memory.search.types import MAX_LIMIT, SearchRequest, SearchType
from memory.types import MAX_CONTENT
from workflows.marketing.asking import Asked, conditions
from workflows.marketing.ingesting import small_metadata
from workflows.marketing.insights import GROUPS
from workflows.marketing.reading import Batch, read_entries
from workflows.marketing.transforming import Transformation
from workflows.marketing.types import MAX_ENTRIES, MEASURES, RATIOS, DataSource


class _Range(BaseModel):
    """Days, both included."""

    date_range_start: date
    date_range_end: date

    _in_order = not_before("date_range_end", "date_range_start")


class IngestIn(_Range):
    """Entries of a platform for some days."""

    model_config = ConfigDict(title="SeedMarketingIngest")

    data_source: DataSource
    data_entries: list[Any] = Field(max_length=MAX_ENTRIES)
    metadata: Annotated[Metadata, AfterValidator(small_metadata)] | None = None

    def batch(self, *, loc: tuple[str | int, ...] = ("body", "data_entries")) -> Batch:
        """Return the entries, read."""
        return read_entries(
            self.data_source, self.data_entries, self.date_range_start, self.date_range_end, loc=loc
        )


class IngestQuery(BaseModel):
    """`partial` stores the entries that can be stored although others can't."""

    partial: bool = False


class MarketingSearchIn(BaseModel):
    """A search among entries."""

    model_config = ConfigDict(title="SeedMarketingSearch")

    query: str = Field(max_length=MAX_CONTENT)
    data_sources: list[DataSource] | None = None
    date_range_start: date | None = None
    date_range_end: date | None = None
    campaign_ids: list[Annotated[str, Field(max_length=200)]] | None = Field(default=None, max_length=1_000)
    metrics: list[str] | None = Field(default=None, max_length=100)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    search_type: str = Field(default="hybrid", pattern=SEARCH_TYPES)

    _in_order = not_before("date_range_end", "date_range_start")

    def asked(self) -> Asked:
        """Return the entries that are searched; unknown metrics are ignored."""
        return Asked(
            sources=tuple(self.data_sources or ()),
            starts_on=self.date_range_start,
            ends_on=self.date_range_end,
            campaign_ids=tuple(self.campaign_ids or ()),
            above_zero=tuple(each for each in MEASURES if each in (self.metrics or ())),
        )

    def request(self) -> SearchRequest:
        """Return the search request."""
        return SearchRequest(
            query=self.query,
            search_type=SearchType(self.search_type),
            limit=self.limit,
            conditions=conditions(self.asked()),
        )


class MarketingInsightsIn(_Range):
    """The entries that insights are about."""

    model_config = ConfigDict(title="SeedMarketingInsights")

    data_sources: list[DataSource]
    group_by: list[str] = Field(default=["date"], max_length=20)
    metrics: list[str] = Field(default=list(MEASURES), max_length=100)
    filters: dict[str, Any] | None = None

    def asked(self) -> Asked:
        """Return the entries."""
        return Asked(
            sources=tuple(self.data_sources),
            starts_on=self.date_range_start,
            ends_on=self.date_range_end,
            filters=parse_filters(self.filters),
        )

    @property
    def groups(self) -> list[str]:
        """The known names of `group_by`."""
        return [each for each in dict.fromkeys(self.group_by) if each in GROUPS]

    @property
    def known_metrics(self) -> list[str]:
        """The known names of `metrics`."""
        return [each for each in dict.fromkeys(self.metrics) if each in (*MEASURES, *RATIOS)]


class ExportQuery(BaseModel):
    """The variable that a causal analysis is to explain."""

    target_metric: Literal[
        "spend", "impressions", "clicks", "conversions", "revenue", "cpm", "cpc", "ctr", "conversion_rate", "roas",
        "cost_per_conversion",
    ] = "conversions"  # fmt: skip


class CalendarQuery(BaseModel):
    """Whose holidays are named, and when fiscal years begin."""

    country: Annotated[QueryText, Field(max_length=20)] = ""
    fiscal_year_start: int | None = Field(default=None, ge=1, le=12)


class TransformIn(BaseModel):
    """The contract's body, `{"request", "transformation_config"}`, or the bare request."""

    model_config = ConfigDict(title="SeedMarketingTransform")

    request: IngestIn
    transformation_config: Transformation | None = None

    @model_validator(mode="before")
    @classmethod
    def wrap(cls, value: Any) -> Any:
        """Wrap a bare request."""
        if isinstance(value, dict) and "request" not in value and "data_entries" in value:
            return {"request": value, "transformation_config": value.get("transformation_config")}
        return value


class DataQuery(BaseModel):
    """The entries that `GET /marketing/data` lists."""

    data_source: DataSource | None = None
    date_range_start: date | None = None
    date_range_end: date | None = None
    campaign_id: Annotated[QueryText, Field(max_length=200)] = ""
    limit: int = Field(default=100, ge=1, le=10_000)

    _in_order = not_before("date_range_end", "date_range_start")

    def asked(self) -> Asked:
        """Return the entries."""
        return Asked(
            sources=(self.data_source,) if self.data_source else (),
            starts_on=self.date_range_start,
            ends_on=self.date_range_end,
            campaign_ids=(self.campaign_id,) if self.campaign_id else (),
        )


PLATFORM_NAMES = {
    "meta": DataSource.META_BUSINESS,
    "facebook": DataSource.META_BUSINESS,
    "meta_ads": DataSource.META_BUSINESS,
    "google": DataSource.GOOGLE_ADS,
    "amazon": DataSource.AMAZON_SELLER_CENTRAL,
    "linkedin": DataSource.LINKEDIN_ADS,
    "x": DataSource.X_ADS,
    "twitter": DataSource.X_ADS,
    "zoho": DataSource.ZOHO_CRM,
}
"""The sync scheduler's own words for sources."""


class SyncIn(BaseModel):
    """The rows of a sync job."""

    model_config = ConfigDict(title="SeedSync")

    data: list[Any] = Field(max_length=MAX_ENTRIES)
    source: DataSource
    org_id: str | None = Field(default=None, max_length=200)
    sync_job_id: str | None = Field(default=None, max_length=200)

    @model_validator(mode="before")
    @classmethod
    def known_names(cls, value: Any) -> Any:
        """Take the scheduler's words for sources, and one row instead of a list."""
        if not isinstance(value, dict):
            return value
        source, rows = value.get("source"), value.get("data")
        named = PLATFORM_NAMES.get(source, source) if isinstance(source, str) else source
        return value | {"source": named} | ({"data": [rows]} if isinstance(rows, dict) else {})

    def batch(self, today: date) -> Batch:
        """Return the rows, read; those without a date are of today."""
        return read_entries(self.source, self.data, today, today, loc=("body", "data"))
