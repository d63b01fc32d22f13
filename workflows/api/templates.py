"""`/api/v1/workflows/templates`: write, publish and retire templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, RootModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from workflows import queries
from workflows.definition.fields import FIELDS
from workflows.models import Template, TemplateVersion
from workflows.publishing import templates
from workflows.publishing.credentials import masked
from workflows.publishing.faults import faults_as_items
from workflows.types import VersionStatus

STEP: dict[str, JsonValue] = {
    "type": "object",
    "properties": {name: {} for name in FIELDS},
    "required": ["name", "function"],
    "additionalProperties": False,
}


class StepsTemplate(Strict):
    """A template; docs/workflows.md describes the fields of its steps. All faults are reported at once."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    steps: list[dict[str, Any]] = Field(json_schema_extra={"items": STEP})


class TasksTemplate(BaseModel):
    """A template in the old platform's shape."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    tasks: list[dict[str, Any]]


class TemplateIn(RootModel[StepsTemplate | TasksTemplate]):
    """A template, in this API's shape or the old platform's. For the documentation only: workflows.definition parses it."""


class TemplateVersionOut(BaseModel):
    """A version of a template."""

    number: int
    status: str
    author: str
    created_at: datetime
    published_by: str
    published_at: datetime | None
    definition: dict[str, Any]


class TemplateLine(BaseModel):
    """A template in a list; new runs follow `version`, which is null before the first publication."""

    id: UUID
    name: str
    version: int | None
    created_at: datetime
    retired_at: datetime | None


class TemplateOut(TemplateLine):
    """A template with its versions, newest first."""

    versions: list[TemplateVersionOut]


def current_number(versions: Sequence[TemplateVersion]) -> int | None:
    """Return the number of the newest published version."""
    return max((each.number for each in versions if each.status == VersionStatus.PUBLISHED), default=None)


def render_template(template: Template, versions: Sequence[TemplateVersion]) -> dict[str, Any]:
    """Render a template with its versions, newest first."""
    line = render_template_line(template, current_number(versions))
    return line | {"versions": [_render_version(each) for each in versions]}


def _render_version(version: TemplateVersion) -> dict[str, Any]:
    author, definition = f"{version.author_kind}:{version.author_id}", masked(version.definition)
    return as_json(TemplateVersionOut, version, author=author, definition=definition)


def render_template_line(template: Template, version: int | None) -> dict[str, Any]:
    """Render a template for a list."""
    return as_json(TemplateLine, template, version=version)


class _Templates(NativeView):
    """Base of the template views."""

    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_WRITE, "PUT": Scope.WORKFLOWS_WRITE,
        "DELETE": Scope.WORKFLOWS_WRITE,
    }  # fmt: skip

    def payload(self) -> dict[str, Any]:
        """Return the body, which must be an object."""
        if not isinstance(self.json, dict):
            raise InvalidRequest([item("model_attributes_type", ("body",), "A template must be an object.")])
        return self.json

    def answer(self, template: UUID, status: int = 200) -> Response:
        """Return a template with its versions."""
        with tenant_transaction(self.organisation):
            row = queries.get_template(organisation=self.organisation, template=template)
            versions = queries.list_versions(organisation=self.organisation, template=template)
        return Response(render_template(row, versions), status=status)

    def answer_anew(self, kept: dict[str, Any], **named: UUID) -> Response:
        """Replay a response with the template's current state."""
        return self.answer(named.get("template") or UUID(kept["id"]))


class TemplateCollection(_Templates):
    """The organisation's templates."""

    @described(
        "workflows_templates_list", query=PageQuery, responses={200: page_of(TemplateLine, "TemplatePage")}
    )
    def get(self, request: Request) -> Response:
        """List templates, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = queries.list_templates(
                organisation=self.organisation, limit=query.limit + 1, before=query.before
            )
            results = [
                render_template_line(
                    row,
                    current_number(queries.list_versions(organisation=self.organisation, template=row.id)),
                )
                for row in rows
            ]
        return Response(page(request._request, rows, query.limit, results))

    @described("workflows_templates_create", request=TemplateIn, responses={201: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request) -> Response:
        """Create a template as a draft; all faults are reported at once."""
        with faults_as_items():
            draft = templates.save_draft(**self.caller, payload=self.payload())
        return self.answer(draft.template_id, 201)


class TemplateDetail(_Templates):
    """One template."""

    @described("workflows_templates_get", responses={200: TemplateOut})
    def get(self, request: Request, template: UUID) -> Response:
        """Return a template with all its versions, newest first."""
        return self.answer(template)

    @described("workflows_templates_put", request=TemplateIn, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def put(self, request: Request, template: UUID) -> Response:
        """Write the template's next version as a draft, replacing an earlier draft; published versions stay."""
        with faults_as_items():
            templates.save_draft(**self.caller, payload=self.payload(), template=template)
        return self.answer(template)


class TemplatePublish(_Templates):
    """Publication of a template."""

    @described("workflows_templates_publish", request=None, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request, template: UUID) -> Response:
        """Publish the draft as a numbered, immutable version, which all new runs follow."""
        with faults_as_items():
            templates.publish(**self.caller, template=template)
        return self.answer(template)


class TemplateRetire(_Templates):
    """Retirement of a template."""

    @described("workflows_templates_retire", request=None, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request, template: UUID) -> Response:
        """Retire a template: it starts no new runs; existing runs continue."""
        templates.retire(**self.caller, template=template)
        return self.answer(template)
