"""Models compared with experiments; experiments as a model's input, a tool's results as a model."""

import csv
import io
from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, validate
from liftos.kernel.http.times import not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.operations import Prepared
from memory.types import trust_of
from workflows.marketing.api.studies import StoredStudyOut, StudiesView
from workflows.marketing.api.sums import file_of
from workflows.marketing.studies.calibration import Export, compare, lift_tests, return_priors
from workflows.marketing.studies.importing import Tool, read_results
from workflows.marketing.studies.inputs import ModelCreate, New, Short, StudyIn
from workflows.marketing.studies.queries import AskedStudies, list_estimates
from workflows.marketing.studies.types import Estimate, StudyKind
from workflows.marketing.studies.writing import check_named, draft_of_new
from workflows.marketing.table import no_formula


class EstimatesQuery(BaseModel):
    """Estimates of a channel, of a metric, about days that overlap these."""

    channel: QueryText = ""
    metric: QueryText = ""
    date_from: date | None = None
    date_to: date | None = None

    _in_order = not_before("date_to", "date_from")


class ExportQuery(EstimatesQuery):
    """Experiments for a tool."""

    format: Literal["json", "csv"] = "json"


class PooledOut(BaseModel):
    """Experiments pooled: the mean weighted by inverse variance; `spread` above 1 says that they differ more than their intervals let expect."""

    mean: float
    sd: float
    count: int
    spread: float
    ids: list[UUID]


class AgainstOut(BaseModel):
    """A model's estimate, and how far it is from the experiments: `z` in standard errors, `agrees` within 1.96 of them."""

    id: UUID
    name: str
    date_to: date
    mean: float
    sd: float
    difference: float | None
    ratio: float | None
    z: float | None
    agrees: bool | None


class ComparedOut(BaseModel):
    """A channel and metric: experiments, models by their last day, the share of models that agree, and all that in words."""

    channel: str
    metric: str
    experiments: PooledOut | None
    models: list[AgainstOut]
    agreement: float | None
    said: str


class ChannelComparisonsOut(BaseModel):
    """Experiments and models by channel and metric."""

    results: list[ComparedOut]


class LeftOutOut(BaseModel):
    """An experiment that could not be exported, and why."""

    id: UUID
    name: str
    reason: str


class LiftTestOut(BaseModel):
    """A row of `add_lift_test_measurements`."""

    channel: str
    x: float
    delta_x: float
    delta_y: float
    sigma: float


class LiftTestsOut(BaseModel):
    """Lift tests for PyMC-Marketing."""

    results: list[LiftTestOut]
    left_out: list[LeftOutOut]


class PriorOut(BaseModel):
    """A prior of a channel's return; the log-normal distribution of `lognormal_mu` and `lognormal_sigma` has its mean and sd."""

    channel: str
    roi_mean: float
    roi_sd: float
    lognormal_mu: float
    lognormal_sigma: float
    experiments: int


class PriorsOut(BaseModel):
    """Priors of returns for Meridian."""

    results: list[PriorOut]
    left_out: list[LeftOutOut]


class ResultsIn(StudyIn, New):
    """A tool's table of results: `pymc_marketing` records of arviz.summary, `meridian` summary_metrics, `robyn` pareto_aggregated.csv."""

    tool: Tool
    metric: Short = "roas"
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=500)

    def model(self) -> ModelCreate:
        """Return the model that the table describes.

        Raises:
            InvalidRequest: naming the row and the estimate's field.
        """
        found = read_results(self.tool, self.rows, self.metric)
        fields = self.model_dump(mode="json", exclude={"rows", "metric"}, exclude_none=True)
        try:
            return validate(ModelCreate, fields | {"estimates": list(found.values())})
        except InvalidRequest as error:
            places = list(found)
            for each in error.items:
                if each["loc"][1:2] == ["estimates"]:
                    each["loc"] = ["body", "rows", *(places[n] for n in each["loc"][2:3]), *each["loc"][3:]]
            raise InvalidRequest(error.items) from error


class _Estimates(NativeView):
    """Reads estimates."""

    scopes = {"GET": Scope.MEMORY_READ}

    def estimates(self, asked: EstimatesQuery, kind: StudyKind | None = None) -> list[Estimate]:
        """Return the estimates asked for."""
        wanted = AskedStudies(kind, asked.channel, asked.metric, asked.date_from, asked.date_to)
        with tenant_transaction(self.organisation):
            return list_estimates(organisation=self.organisation, asked=wanted)

    def exported(self, export: Export, shape: type[BaseModel], name: str, form: str) -> HttpResponseBase:
        """Return rows as JSON, with what was left out, or as CSV."""
        if form == "csv":
            return file_of(_as_csv(export.rows, list(shape.model_fields)), "text/csv; charset=utf-8", name)
        return Response({"results": export.rows, "left_out": export.left_out})


def _as_csv(rows: list[dict[str, Any]], columns: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([no_formula(v) if isinstance(v, str) else v for v in (row[name] for name in columns)])
    return text.getvalue().encode()


class Calibration(_Estimates):
    """Models compared with experiments."""

    @described("marketing_calibration", query=EstimatesQuery, responses={200: ChannelComparisonsOut})
    def get(self, request: Request) -> Response:
        """Compare models with experiments, by channel and metric."""
        return Response({"results": compare(self.estimates(self.query(EstimatesQuery)))})


class LiftTests(_Estimates):
    """Experiments as lift tests."""

    @described(
        "marketing_lift_tests",
        query=ExportQuery,
        responses={(200, "application/json"): LiftTestsOut, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return experiments as the data frame that `add_lift_test_measurements` of PyMC-Marketing takes."""
        asked = self.query(ExportQuery)
        export = lift_tests(self.estimates(asked, StudyKind.EXPERIMENT))
        return self.exported(export, LiftTestOut, "lift_tests.csv", asked.format)


class Priors(_Estimates):
    """Experiments as priors."""

    @described(
        "marketing_priors",
        query=ExportQuery,
        responses={(200, "application/json"): PriorsOut, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return experiments pooled by channel as the priors of returns that Meridian is calibrated with."""
        asked = self.query(ExportQuery)
        export = return_priors(self.estimates(asked, StudyKind.EXPERIMENT))
        return self.exported(export, PriorOut, "roi_priors.csv", asked.format)


class ModelResults(StudiesView):
    """Stores a tool's results as a model."""

    kind = StudyKind.MODEL
    scopes = {"POST": Scope.MEMORY_PROPOSE}

    def prepare(self) -> Prepared:
        """Read the table, find what it names, and embed its text."""
        model = self.body(ResultsIn).model()
        check_named(self.organisation, model)
        return operations.prepare(self.organisation, [draft_of_new(model)], trust_of(self.principal))

    @described(
        "marketing_model_results", request=ResultsIn, responses={201: StoredStudyOut, 200: StoredStudyOut}
    )
    @once(prepare=prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store the results of PyMC-Marketing, Meridian or Robyn as a model."""
        return self.store(prepared)
