"""`/api/v1/marketing/table` and `/api/v1/marketing/insights`: sums of entries, null where nothing is known."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.times import not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.suggestions import suggestion
from liftos.kernel.tenancy.types import Scope
from memory.search.filter_types import Condition, Filter
from workflows.marketing.asking import Asked
from workflows.marketing.insights import GROUPS, get_insights, native_figures
from workflows.marketing.table import BY, as_csv, as_parquet, get_table
from workflows.marketing.types import MEASURES, RATIOS, DataSource


def _named(known: tuple[str, ...]) -> AfterValidator:
    """Return a check that a comma-separated list has only known names."""

    def check(text: str) -> str:
        for each in names_in(text):
            if each not in known:
                raise PydanticCustomError(
                    "unknown_name", "'{name}' is not one of {known}{hint}",
                    {"name": each[:100], "known": ", ".join(known), "hint": suggestion(each, known)},
                )  # fmt: skip
        return text

    return AfterValidator(check)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


class EntriesQuery(BaseModel):
    """The entries: sources (comma-separated), days, both included, and what they are of."""

    data_sources: Annotated[QueryText, _named(tuple(DataSource))] = ""
    date_from: date | None = None
    date_to: date | None = None
    campaign_id: QueryText = ""
    channel: QueryText = ""
    geo: QueryText = ""
    currency: QueryText = ""

    _in_order = not_before("date_to", "date_from")

    def asked(self) -> Asked:
        """Return the entries."""
        conditions: list[Filter] = [
            Condition(name, "eq", (value.upper() if name == "currency" else value,))
            for name in ("channel", "geo", "currency")
            if (value := getattr(self, name))
        ]
        return Asked(
            sources=tuple(DataSource(each) for each in names_in(self.data_sources)),
            starts_on=self.date_from,
            ends_on=self.date_to,
            campaign_ids=(self.campaign_id,) if self.campaign_id else (),
            filters=tuple(conditions),
        )


class TableQuery(EntriesQuery):
    """A table of entries."""

    grain: Literal["week", "day"] = "week"
    by: Annotated[QueryText, _named(tuple(BY))] = "channel"
    metrics: Annotated[QueryText, _named((*MEASURES, *RATIOS))] = ",".join(MEASURES)
    format: Literal["json", "csv", "parquet"] = "json"


class TableOut(BaseModel):
    """A table: `data` has a record for each period (its first day) and group, `totals` the sums of all, `report` what is doubtful."""

    grain: str
    by: list[str]
    metrics: list[str]
    currency: str
    columns: list[str]
    data: list[dict[str, Any]]
    totals: dict[str, float | int | None]
    report: dict[str, Any]


class MarketingTable(NativeView):
    """The table that marketing-mix models take."""

    scopes = {"GET": Scope.MEMORY_READ}
    costly = True

    @described(
        "marketing_table",
        query=TableQuery,
        responses={
            (200, "application/json"): TableOut,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return sums by week or day and by group, with a report of gaps, duplicates and breaks; CSV and Parquet without it."""
        asked = self.query(TableQuery)
        with tenant_transaction(self.organisation):
            table = get_table(
                organisation=self.organisation,
                asked=asked.asked(),
                grain=asked.grain,
                by=names_in(asked.by),
                metrics=names_in(asked.metrics),
            )
        if asked.format == "csv":
            return _file(as_csv(table).encode(), "text/csv; charset=utf-8", "marketing.csv")
        if asked.format == "parquet":
            return _file(as_parquet(table), "application/vnd.apache.parquet", "marketing.parquet")
        return Response(
            {
                "grain": table.grain,
                "by": list(table.by),
                "metrics": list(table.metrics),
                "currency": table.currency,
                "columns": ["period", *table.by, *table.metrics],
                "data": table.records(),
                "totals": native_figures(table.totals),
                "report": table.report,
            }
        )


def _file(body: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class SumsQuery(EntriesQuery):
    """Sums of entries, also by groups."""

    group_by: Annotated[QueryText, _named(tuple(GROUPS))] = ""


class SumsOut(BaseModel):
    """Sums with their ratios: of all entries, by source, of the ten campaigns of most revenue, by group."""

    entries: int
    currency: str
    totals: dict[str, float | int | None]
    data_sources: dict[str, dict[str, float | int | None]]
    top_campaigns: list[dict[str, Any]]
    groups: list[dict[str, Any]]


class MarketingSums(NativeView):
    """Sums of entries."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("marketing_sums", query=SumsQuery, responses={200: SumsOut})
    def get(self, request: Request) -> Response:
        """Add up entries; a ratio is of sums, and null where its divisor is 0 or unknown."""
        asked = self.query(SumsQuery)
        with tenant_transaction(self.organisation):
            found = get_insights(
                organisation=self.organisation, asked=asked.asked(), group_by=names_in(asked.group_by)
            )
        return Response(
            {
                "entries": found.count,
                "currency": found.currency,
                "totals": native_figures(found.totals),
                "data_sources": {source: native_figures(sums) for source, sums in found.sources.items()},
                "top_campaigns": [
                    {"campaign_id": each.campaign_id, "campaign_name": each.name} | native_figures(each.sums)
                    for each in found.campaigns
                ],
                "groups": [each.group | native_figures(each.sums) for each in found.trends],
            }
        )
