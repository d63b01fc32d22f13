"""`/api/v1/marketing/experiments` and `/models`: store, list, read and change."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.parsing import validate
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.models import Memory
from memory.operations import Prepared
from memory.trust.revision import PreparedRevision, commit_revision, prepare_revision
from memory.types import LinkKind, Outcome, trust_of
from workflows.marketing.studies.inputs import (
    ExperimentCreate,
    ExperimentIn,
    ExperimentPatch,
    ModelCreate,
    ModelIn,
    ModelPatch,
)
from workflows.marketing.studies.queries import AskedStudies, get_study, list_studies
from workflows.marketing.studies.types import StudyKind
from workflows.marketing.studies.writing import (
    check_named,
    draft_of_new,
    metadata_of,
    sentence,
    stored_fields,
    whole_of,
)


class StoredStudyOut(BaseModel):
    """A stored experiment or model: `id` is its memory's, `outcome` stored or unchanged."""

    id: UUID
    outcome: str
    state: str
    decision_id: UUID


class StudyChangedOut(BaseModel):
    """A changed experiment or model; `decision_id` is null if nothing changed."""

    id: UUID
    version: int
    state: str
    decision_id: UUID | None


class _SeenOut(BaseModel):
    """Further fields of a stored study."""

    id: UUID
    state: str
    version: int
    recorded_at: str
    supports: list[UUID]
    contradicts: list[UUID]


class ExperimentOut(_SeenOut, ExperimentIn):
    """An experiment with the memories that it supports and contradicts."""


class ModelOut(_SeenOut, ModelIn):
    """A model with the memories that it supports and contradicts."""


class StudiesQuery(PageQuery):
    """A page of experiments or models: of a channel, of a metric, about days that overlap these."""

    channel: QueryText = ""
    metric: QueryText = ""
    date_from: date | None = None
    date_to: date | None = None

    _in_order = not_before("date_to", "date_from")


def rendered(kind: StudyKind, memory: Memory) -> dict[str, Any]:
    """Return a study as JSON."""
    links = {
        str(wanted): [
            str(each.target_id) for each in memory.links.all() if each.kind == wanted and each.target_id
        ]
        for wanted in (LinkKind.SUPPORTS, LinkKind.CONTRADICTS)
    }
    return {
        "id": str(memory.id),
        **stored_fields(kind, memory.metadata),
        **links,
        "state": str(memory.state),
        "version": memory.version,
        "recorded_at": memory.recorded_at.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class _Shapes:
    create: type[Strict]
    patch: type[Strict]


SHAPES = {
    StudyKind.EXPERIMENT: _Shapes(ExperimentCreate, ExperimentPatch),
    StudyKind.MODEL: _Shapes(ModelCreate, ModelPatch),
}


class StudiesView(NativeView):
    """Stores and lists studies of a kind."""

    kind: ClassVar[StudyKind]
    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_PROPOSE}

    def prepare(self) -> Prepared:
        """Read the study, find what it names, and embed its text."""
        asked: Any = self.body(SHAPES[self.kind].create)
        check_named(self.organisation, asked)
        return operations.prepare(self.organisation, [draft_of_new(asked)], trust_of(self.principal))

    def store(self, prepared: Prepared) -> Response:
        """Store a prepared study."""
        stored = operations.commit_one(**self.caller, prepared=prepared)
        new = stored.outcome is Outcome.STORED
        with tenant_transaction(self.organisation):
            memory = get_study(organisation=self.organisation, kind=self.kind, study=stored.id)
        body = {
            "id": str(stored.id),
            "outcome": "stored" if new else "unchanged",
            "state": str(memory.state),
            "decision_id": str(stored.decision),
        }
        return Response(body, status=201 if new else 200)

    def listed(self, request: Request) -> Response:
        """Return a page."""
        asked = self.query(StudiesQuery)
        wanted = AskedStudies(self.kind, asked.channel, asked.metric, asked.date_from, asked.date_to)
        with tenant_transaction(self.organisation):
            rows = list_studies(
                organisation=self.organisation, asked=wanted, limit=asked.limit + 1, before=asked.before
            )
            shown = [rendered(self.kind, each) for each in rows]
        return Response(page(request._request, rows, asked.limit, shown))


class Experiments(StudiesView):
    """Experiments."""

    kind = StudyKind.EXPERIMENT

    @described("marketing_experiments_list", query=StudiesQuery, responses={200: page_of(ExperimentOut)})
    def get(self, request: Request) -> Response:
        """List experiments, newest stored first."""
        return self.listed(request)

    @described(
        "marketing_experiments_create",
        request=ExperimentCreate,
        responses={201: StoredStudyOut, 200: StoredStudyOut},
    )
    @once(prepare=StudiesView.prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store an experiment; 200 if its external id is known with the same fields."""
        return self.store(prepared)


class Models(StudiesView):
    """Models."""

    kind = StudyKind.MODEL

    @described("marketing_models_list", query=StudiesQuery, responses={200: page_of(ModelOut)})
    def get(self, request: Request) -> Response:
        """List models, newest stored first."""
        return self.listed(request)

    @described(
        "marketing_models_create", request=ModelCreate, responses={201: StoredStudyOut, 200: StoredStudyOut}
    )
    @once(prepare=StudiesView.prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a model; 200 if its external id is known with the same fields."""
        return self.store(prepared)


class StudyView(NativeView):
    """Reads and changes a study of a kind."""

    kind: ClassVar[StudyKind]
    scopes = {"GET": Scope.MEMORY_READ, "PATCH": Scope.MEMORY_WRITE}

    def shown(self, study: UUID) -> Response:
        """Return a study with its version as the ETag."""
        with tenant_transaction(self.organisation):
            memory = get_study(organisation=self.organisation, kind=self.kind, study=study)
            body = rendered(self.kind, memory)
        attached = (
            [body["supports"], body["contradicts"]] if body["supports"] or body["contradicts"] else None
        )
        return Response(body, headers={"ETag": etag_of(memory.version, attached)})

    def changed(self, request: Request, study: UUID) -> Response:
        """Change a study, whose fields together must be valid."""
        given = self.body(SHAPES[self.kind].patch).model_dump(mode="json", exclude_unset=True)
        with tenant_transaction(self.organisation):
            memory = get_study(organisation=self.organisation, kind=self.kind, study=study)
        fields = stored_fields(self.kind, memory.metadata)
        whole = validate(
            whole_of(self.kind),
            {name: value for name, value in (fields | given).items() if value is not None},
        )
        check_named(self.organisation, whole)
        # metadata that others have added stay
        others = {name: value for name, value in memory.metadata.items() if name not in fields}
        prepared: PreparedRevision = prepare_revision(
            organisation=self.organisation,
            memory=study,
            changes={"content": sentence(whole), "metadata": others | metadata_of(whole)},
            version=if_match(request._request) or memory.version,
        )
        revised = commit_revision(**self.caller, prepared=prepared)
        body = {
            "id": str(revised.id),
            "version": revised.version,
            "state": str(revised.state),
            "decision_id": revised.decision and str(revised.decision),
        }
        return Response(body, headers={"ETag": etag_of(revised.version)})


class ExperimentDetail(StudyView):
    """An experiment."""

    kind = StudyKind.EXPERIMENT

    @described("marketing_experiment", responses={200: ExperimentOut})
    def get(self, request: Request, study: UUID) -> Response:
        """Return an experiment."""
        return self.shown(study)

    @described(
        "marketing_experiment_patch",
        request=ExperimentPatch,
        responses={200: StudyChangedOut},
        if_match="optional",
    )
    def patch(self, request: Request, study: UUID) -> Response:
        """Change fields of an experiment, such as its estimate once it is done, or the outcome: a new version of its memory."""
        return self.changed(request, study)


class ModelDetail(StudyView):
    """A model."""

    kind = StudyKind.MODEL

    @described("marketing_model", responses={200: ModelOut})
    def get(self, request: Request, study: UUID) -> Response:
        """Return a model."""
        return self.shown(study)

    @described(
        "marketing_model_patch", request=ModelPatch, responses={200: StudyChangedOut}, if_match="optional"
    )
    def patch(self, request: Request, study: UUID) -> Response:
        """Change fields of a model: a new version of its memory."""
        return self.changed(request, study)
