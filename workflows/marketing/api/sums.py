"""`/api/v1/marketing/table` and `/api/v1/marketing/insights`: sums of entries, null where nothing is known."""

from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from workflows.marketing.api.asking import EntriesQuery, named, names_in
from workflows.marketing.insights import GROUPS, get_insights, native_figures
from workflows.marketing.table import BY, as_csv, as_parquet, get_table
from workflows.marketing.types import MEASURES, RATIOS


class TableQuery(EntriesQuery):
    """A table of entries."""

    grain: Literal["week", "day"] = "week"
    by: Annotated[QueryText, named(tuple(BY))] = "channel"
    metrics: Annotated[QueryText, named((*MEASURES, *RATIOS))] = ",".join(MEASURES)
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
            return file_of(as_csv(table).encode(), "text/csv; charset=utf-8", "marketing.csv")
        if asked.format == "parquet":
            return file_of(as_parquet(table), "application/vnd.apache.parquet", "marketing.parquet")
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


def file_of(body: bytes, content_type: str, name: str) -> HttpResponse:
    """Return a file as the answer."""
    response = HttpResponse(body, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class SumsQuery(EntriesQuery):
    """Sums of entries, also by groups."""

    group_by: Annotated[QueryText, named(tuple(GROUPS))] = ""


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
