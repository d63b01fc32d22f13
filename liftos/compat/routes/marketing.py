"""The old marketing routes at the root, exactly as in the contract."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.shapes.marketing import (
    CalendarQuery,
    DataQuery,
    ExportQuery,
    IngestIn,
    IngestQuery,
    MarketingInsightsIn,
    MarketingSearchIn,
    SyncIn,
    TransformIn,
)
from liftos.compat.shapes.memory import hit_out, naive
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import PermissionDenied
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import CompatView
from liftos.kernel.tenancy.types import Scope
from memory.search.service import search
from memory.types import trust_of
from workflows.marketing.asking import applied
from workflows.marketing.calendar import FIRST_YEAR, LAST_YEAR, days_of
from workflows.marketing.causal_export import describe, get_table, list_records
from workflows.marketing.ingesting import PreparedIngest, commit_ingest, prepare_ingest
from workflows.marketing.insights import get_insights, old_insights
from workflows.marketing.measures import old_figures
from workflows.marketing.transforming import Transformation, summary, transform

ENTRIES = ("body", "data_entries")


class MarketingView(CompatView):
    """Base of the marketing routes."""

    def own_metadata(self, **more: Any) -> dict[str, Any]:
        """Return the envelope's metadata."""
        return {"correlation_id": self.correlation_id, "org_id": self.principal.slug} | more


class MarketingIngest(MarketingView):
    """`POST /marketing/ingest`."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset()  # the operation screens memories
    costly = True
    large_json = True
    failure = "Marketing data ingestion failed"

    def prepare(self) -> PreparedIngest:
        """Read and analyse the entries."""
        asked = self.body(IngestIn)
        return prepare_ingest(
            organisation=self.organisation,
            batch=asked.batch(),
            metadata=asked.metadata or {},
            partial=self.query(IngestQuery).partial,
            trust=trust_of(self.principal),
        )

    @described("marketing_ingest", request=IngestIn, query=IngestQuery, responses={200: Envelope})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: PreparedIngest) -> Response:
        """Store a platform's entries, all or none; with `partial=true` those that can be stored."""
        started, asked = perf_counter(), self.body(IngestIn)
        partial = self.query(IngestQuery).partial
        result = commit_ingest(**self.caller, prepared=prepared, partial=partial, loc=ENTRIES)
        data: dict[str, Any] = {
            "stored_entries": [
                {
                    "entry_id": str(each.entry_id),
                    "memory_id": str(each.memory_id),
                    "data_source": str(asked.data_source),
                    "metrics": old_figures(each.draft.figures),
                    "outcome": each.outcome,
                }
                for each in result.entries.values()
            ],
            "data_source": str(asked.data_source),
            "date_range": {
                "start": asked.date_range_start.isoformat(),
                "end": asked.date_range_end.isoformat(),
            },
            "duration": perf_counter() - started,
        }
        if partial:
            # without what was sent, which may be a person's
            data["rejected"] = [
                {name: each[name] for name in ("type", "loc", "msg")} for each in result.rejected
            ]
        message = f"Successfully ingested {len(result.entries)} marketing data entries"
        return self.envelope(message, data, self.own_metadata())


class MarketingSearch(MarketingView):
    """`POST /marketing/search`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Marketing data search failed"

    @described("marketing_search", request=MarketingSearchIn, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Search entries by text, source, days, campaign and measure."""
        started, asked = perf_counter(), self.body(MarketingSearchIn)
        answer = search(**self.caller, request=asked.request())
        data = {
            "results": [hit_out(hit) for hit in answer.hits],
            "count": len(answer.hits),
            "search_type": str(answer.search_type),
            "filters_applied": applied(asked.asked()),
            "duration": perf_counter() - started,
        }
        return self.envelope("Marketing data search completed", data, self.own_metadata())


class MarketingInsights(MarketingView):
    """`POST /marketing/insights`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Marketing insights generation failed"

    @described("marketing_insights", request=MarketingInsightsIn, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Sum the entries of some days, by source, campaign and period."""
        started, asked = perf_counter(), self.body(MarketingInsightsIn)
        with tenant_transaction(self.organisation):
            found = get_insights(organisation=self.organisation, asked=asked.asked(), group_by=asked.groups)
        data = old_insights(found, asked.known_metrics, asked.groups)
        metadata = self.own_metadata(duration=perf_counter() - started)
        return self.envelope("Marketing insights generated successfully", data, metadata)


class MarketingCalendar(MarketingView):
    """`GET /marketing/calendar/{year}`."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Calendar generation failed"

    @described("marketing_calendar", query=CalendarQuery, responses={200: Envelope})
    def get(self, request: Request, year: str) -> Response:
        """Return the days of a year with their calendar fields."""
        asked, number = self.query(CalendarQuery), _year(year)
        days = list(days_of(number, country=asked.country, fiscal_start=asked.fiscal_year_start))
        data = {"year": number, "calendar_dimensions": days, "total_days": len(days)}
        return self.envelope(f"Calendar dimensions generated for {number}", data)


def _year(text: str) -> int:
    if not (text.isascii() and text.lstrip("+-").isdigit() and len(text) < 20):
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise InvalidRequest([item("int_parsing", ("path", "year"), message, text)])
    if not FIRST_YEAR <= int(text) <= LAST_YEAR:
        message = f"Input should be from {FIRST_YEAR} to {LAST_YEAR}"
        raise InvalidRequest([item("greater_than_equal", ("path", "year"), message, text)])
    return int(text)


class MarketingExport(MarketingView):
    """`POST /marketing/export/causal`."""

    scopes = {"POST": Scope.MEMORY_READ}
    costly = True
    failure = "Causal data export failed"

    @described(
        "marketing_export_causal", request=MarketingInsightsIn, query=ExportQuery, responses={200: Envelope}
    )
    def post(self, request: Request) -> Response:
        """Return entries as a table for causal analysis."""
        started, asked = perf_counter(), self.body(MarketingInsightsIn)
        target = self.query(ExportQuery).target_metric
        with tenant_transaction(self.organisation):
            table = get_table(organisation=self.organisation, asked=asked.asked(), target=target)
        if not table.records:
            return self.envelope(
                "No marketing data found for the specified criteria", {"causal_data": {}, "records_count": 0}
            )
        exported = describe(table) | {
            "export_metadata": {
                "org_id": self.principal.slug,
                "date_range": {
                    "start": asked.date_range_start.isoformat(),
                    "end": asked.date_range_end.isoformat(),
                },
                "data_sources": [str(each) for each in asked.data_sources],
                "target_metric": target,
                "records_count": len(table.records),
                "export_timestamp": naive(datetime.now(UTC)),
                "correlation_id": self.correlation_id,
            }
        }
        data = {
            "causal_data": exported,
            "records_count": len(table.records),
            "target_metric": target,
            "duration": perf_counter() - started,
        }
        return self.envelope("Marketing data exported for causal analysis", data, self.own_metadata())


class MarketingTransform(MarketingView):
    """`POST /marketing/transform`."""

    scopes = {"POST": Scope.MEMORY_READ}
    costly = True
    large_json = True
    failure = "Marketing data transformation failed"

    @described("marketing_transform", request=TransformIn, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Normalise entries and apply rules to them; nothing is stored."""
        started, asked = perf_counter(), self.body(TransformIn)
        wrapped = isinstance(self.json, dict) and "request" in self.json
        batch = asked.request.batch(loc=("body", "request", "data_entries") if wrapped else ENTRIES)
        if batch.problems:
            raise InvalidRequest(batch.items)
        config = asked.transformation_config or Transformation()
        entries = asked.request.data_entries
        records = transform(batch, entries, config)
        done = summary(batch, entries, records, config)
        data = {
            "transformed_data": records,
            "transformation_summary": done | {"data_source": str(asked.request.data_source)},
            "sample_record": records[0] if records else None,
            "duration": perf_counter() - started,
        }
        return self.envelope("Marketing data transformation completed", data, self.own_metadata())


class MarketingData(MarketingView):
    """`GET /marketing/data`, which the data ingestion service calls although the service never had it."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Marketing data retrieval failed"

    @described("marketing_data", query=DataQuery, responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """List entries in order of time."""
        asked = self.query(DataQuery)
        with tenant_transaction(self.organisation):
            records = list_records(organisation=self.organisation, asked=asked.asked(), limit=asked.limit)
        return self.envelope("Marketing data retrieved", records, self.own_metadata(count=len(records)))


class DataIngest(MarketingView):
    """`POST /api/v1/data/ingest`, which the sync scheduler calls."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset()  # the operation screens memories
    costly = True
    large_json = True
    failure = "Data ingestion failed"

    def prepare(self) -> PreparedIngest:
        """Read and analyse the rows."""
        asked = self.body(SyncIn)
        if asked.org_id not in (None, "", self.principal.slug, str(self.organisation)):
            raise PermissionDenied("org_id is not the credential's organisation.")
        return prepare_ingest(
            organisation=self.organisation,
            batch=asked.batch(datetime.now(UTC).date()),
            metadata={"sync_job_id": asked.sync_job_id} if asked.sync_job_id else {},
            partial=False,
            trust=trust_of(self.principal),
        )

    @described("data_ingest", request=SyncIn, responses={200: Envelope})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: PreparedIngest) -> Response:
        """Store the rows of a sync job as entries, all or none."""
        result = commit_ingest(**self.caller, prepared=prepared, partial=False, loc=("body", "data"))
        data = {
            "memory_ids": [str(each.memory_id) for each in result.entries.values()],
            "records_ingested": len(result.entries),
        }
        message = f"Successfully ingested {len(result.entries)} records"
        return self.envelope(message, data, self.own_metadata())
