"""The old causal routes under /api/v1/marketing, exactly as in the contract: with the envelope, although their paths look native."""

from time import perf_counter

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.routes.marketing import MarketingView
from liftos.compat.shapes.causal import CausalIn, CausalSearchIn, ConfounderQuery
from liftos.compat.shapes.memory import hit_out
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.operations import Prepared
from memory.search.service import search
from memory.types import trust_of
from workflows.marketing.causal_records import get_confounders, list_points, memory_of


class CausalIngest(MarketingView):
    """`POST /api/v1/marketing/ingest/causal`."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset()  # the operation screens memories
    failure = "Causal data ingestion failed"

    def prepare(self) -> Prepared:
        """Read and embed the record."""
        record = self.body(CausalIn).record()
        return operations.prepare(self.organisation, [memory_of(record)], trust_of(self.principal))

    @described("marketing_ingest_causal", request=CausalIn, responses={200: Envelope})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a causal record."""
        started, asked = perf_counter(), self.body(CausalIn)
        stored = operations.commit_one(**self.caller, prepared=prepared)
        record = asked.record()
        data = {
            "memory_id": str(stored.id),
            "platform": record.platform,
            "campaign_id": record.campaign_id,
            "quality_score": asked.quality,
            "duration": perf_counter() - started,
        }
        metadata = self.own_metadata(causal_features=record.features)
        return self.envelope("Causal marketing data ingested successfully", data, metadata)


class CausalExperiment(MarketingView):
    """`GET /api/v1/marketing/causal/{experiment_id}`."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Causal data retrieval failed"

    @described("marketing_causal_experiment", responses={200: Envelope})
    def get(self, request: Request, experiment_id: str) -> Response:
        """Return the data points of an experiment."""
        with tenant_transaction(self.organisation):
            points = list_points(organisation=self.organisation, experiment=experiment_id)
        data = {"experiment_id": experiment_id, "data_points": points, "count": len(points)}
        message = f"Causal experiment data retrieved for {experiment_id}"
        return self.envelope(message, data, self.own_metadata())


class CausalConfounders(MarketingView):
    """`GET /api/v1/marketing/confounders`."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Confounder analysis failed"

    @described("marketing_confounders", query=ConfounderQuery, responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Count the confounders of a platform's causal records."""
        asked = self.query(ConfounderQuery)
        with tenant_transaction(self.organisation):
            found = get_confounders(
                organisation=self.organisation,
                platform=asked.platform,
                starts_on=asked.date_range_start,
                ends_on=asked.date_range_end,
            )
        data = {
            "platform": asked.platform,
            "date_range": {
                "start": asked.date_range_start.isoformat(),
                "end": asked.date_range_end.isoformat(),
            },
            "confounder_analysis": found.by_variable
            | {
                "average_confounders_per_datapoint": found.per_record,
                "average_quality_score": found.quality or 0,
                "confounder_detection_rate": found.detection_rate,
            },
            "total_data_points": found.records,
        }
        message = f"Confounder analysis completed for {asked.platform}"
        return self.envelope(message, data, self.own_metadata())


class CausalSearch(MarketingView):
    """`POST /api/v1/marketing/causal/search`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Causal data search failed"

    @described("marketing_causal_search", request=CausalSearchIn, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Search causal records."""
        started, asked = perf_counter(), self.body(CausalSearchIn)
        answer = search(**self.caller, request=asked.request())
        data = {
            "results": [hit_out(hit) for hit in answer.hits],
            "count": len(answer.hits),
            "platform": asked.platform,
            "analysis_type": asked.analysis_type,
            "duration": perf_counter() - started,
        }
        metadata = self.own_metadata(causal_search=True)
        return self.envelope("Causal marketing data search completed", data, metadata)
