"""`/api/v1/documents`: store documents, read what is stored of them."""

from collections.abc import Container
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.files.operations import read_file
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, item, parse_json, validate
from liftos.kernel.http.uploads import read_upload
from liftos.kernel.http.views import COSTLY, NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import SecretsOut
from memory.documents.errors import NoOriginal
from memory.documents.jobs import accept_document
from memory.documents.operations import PreparedDocument, commit_document, prepare_document
from memory.documents.queries import get_document, list_passages
from memory.documents.types import DocumentOutcome, Upload
from memory.inputs import Metadata, VisibleToIn, visible_to_of
from memory.models import Document, Memory
from memory.types import trust_of
from memory.visibility import as_json


class DocumentFields(BaseModel):
    """The fields of a document, from the query string or the parts of a multipart body.

    `metadata` is a JSON object, `visible_to` one or "organisation".
    """

    title: Annotated[QueryText, Field(max_length=300)] = ""
    source: Annotated[QueryText, Field(max_length=100)] = ""
    external_id: Annotated[QueryText, Field(max_length=300)] = ""
    metadata: Metadata | None = None
    keep_original: bool = False
    visible_to: VisibleToIn | None = None
    index: bool | None = None


class DocumentQuery(BaseModel):
    """`sync` stores before responding; `async` queues a job. `keep_original` keeps the file; with `index` false searches never find it.

    `metadata` is a JSON object, `visible_to` one or "organisation".
    """

    mode: Literal["sync", "async"] = "sync"
    title: str = ""
    source: str = ""
    external_id: str = ""
    metadata: str = ""
    keep_original: bool = False
    visible_to: str = ""
    index: bool | None = None


class DocumentForm(BaseModel):
    """A multipart body: the file, and any of the query parameters."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[bytes, Field(json_schema_extra={"format": "binary"})]
    title: str = ""
    source: str = ""
    external_id: str = ""
    metadata: str = ""
    keep_original: bool = False
    visible_to: str = ""
    index: bool | None = None


class DocumentStored(BaseModel):
    """A stored document: 201 if new, 200 if it has a new version (`changed`) or is unchanged. `passages` are what search finds."""

    id: UUID
    title: str
    media_type: str
    pages: int | None
    characters: int
    passages: int
    language: str
    outcome: str
    version: int
    embedding: str
    state: str
    original: bool
    decision_id: UUID | None
    secrets: SecretsOut | None = None


class DocumentAccepted(BaseModel):
    """A queued document; its progress is at `url`."""

    id: UUID
    url: str


class DocumentOut(BaseModel):
    """A document: its memory, and the file that the newest text was read from."""

    id: UUID
    title: str
    file_name: str
    media_type: str
    pages: int | None
    characters: int
    passages: int
    language: str
    bytes: int
    sha256: str
    original: bool
    source: str
    external_id: str | None
    visible_to: str | dict[str, Any]
    metadata: dict[str, Any]
    state: str
    embedding: str
    version: int
    recorded_at: datetime
    changed_at: datetime


class DocumentPassageOut(BaseModel):
    """A passage: its place in the text in characters, its page and heading if known."""

    number: int
    start: int
    end: int
    page: int | None
    heading: str
    language: str
    text: str


class PassagePage(BaseModel):
    """A page of passages."""

    results: list[DocumentPassageOut]
    next: str | None


class PassageQuery(BaseModel):
    """The number of passages, and the position from `next` of the previous page."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: int = Field(default=0, ge=0, le=10_000_000)


class DocumentCollection(NativeView):
    """The organisation's documents."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    costly = True
    reads_json = False
    upload: Upload

    def cost(self) -> int:
        """Return one unit per 100 kB, at least that of any costly request."""
        return max(COSTLY, int(self.request.META.get("CONTENT_LENGTH") or 0) // 100_000)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks, then read the file."""
        super().initial(request, *args, **kwargs)
        self.upload, self.json = self._read(request)

    def prepare(self) -> PreparedDocument | None:
        """Parse and embed the document, unless a worker will."""
        if self.query(DocumentQuery).mode == "async":
            return None
        return prepare_document(self.principal.organisation, self.upload, trust_of(self.principal))

    def anew(self, ids: dict[str, Any]) -> Response:
        """Render the answer to a repeated request."""
        if self.query(DocumentQuery).mode == "async":
            return self._accepted(ids["id"])
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            memory, row = get_document(organisation=organisation, memory=UUID(ids["id"]))
        shown, decision = render(memory, row), ids["decision_id"]
        answer = {name: shown.get(name) for name in DocumentStored.model_fields if name != "secrets"}
        outcome = DocumentOutcome.CHANGED if decision else DocumentOutcome.UNCHANGED
        if decision == str(memory.stored_by):
            outcome = DocumentOutcome.STORED
        return Response(answer | {"outcome": str(outcome), "decision_id": decision})

    @extend_schema(
        operation_id="documents_create",
        parameters=query_parameters(DocumentQuery),
        request={"multipart/form-data": DocumentForm, "application/octet-stream": OpenApiTypes.BINARY},
        responses={
            201: DocumentStored,
            200: DocumentStored,
            202: DocumentAccepted,
            415: OpenApiResponse(description="Not a supported kind of document"),
        },
        description="The body is the file, with its media type, or a multipart body with the part `file`.",
    )
    @once(prepare=prepare, anew=anew)
    def post(self, request: Request, prepared: PreparedDocument | None) -> Response:
        """Store a document. Stored again under its external id, it becomes a new version if its text has changed."""
        del request
        principal = self.principal
        if prepared is None:
            job = accept_document(
                organisation=principal.organisation,
                by=principal.actor,
                trust=trust_of(principal),
                upload=self.upload,
            )
            return self._accepted(str(job))
        stored = commit_document(organisation=principal.organisation, by=principal.actor, prepared=prepared)
        return Response(stored.as_json(), status=201 if stored.outcome is DocumentOutcome.STORED else 200)

    def _accepted(self, job: str) -> Response:
        url = self.request._request.build_absolute_uri(f"/api/v1/documents/jobs/{job}")
        return Response({"id": job, "url": url}, status=202, headers={"Location": url})

    def _read(self, request: Request) -> tuple[Upload, dict[str, Any]]:
        """Return the upload, and what identifies the request under an idempotency key."""
        names = list(DocumentFields.model_fields)
        sent = read_upload(request._request, fields=names, most=settings.LIFTOS_DOCUMENT_BYTES)
        query = {name: str(text) for name, text in request._request.GET.items() if name in names}
        twice = [name for name in sent.fields if name in query]
        if twice:
            raise InvalidRequest(
                [item("repeated_field", ("body", name), "Given in the query too") for name in twice]
            )
        told = {name: text for name, text in (query | sent.fields).items() if text}
        fields = _parse_fields(told, query)
        upload = Upload(
            content=sent.content,
            name=sent.name,
            media_type=sent.media_type,
            charset=sent.charset,
            title=fields.title,
            source=fields.source,
            external_id=fields.external_id,
            metadata=fields.metadata or {},
            keep_original=fields.keep_original,
            visible_to=visible_to_of(fields.visible_to),
            index=fields.index,
        )
        return upload, told | {
            "sha256": upload.sha256,
            "name": upload.name,
            "media_type": upload.media_type,
            "charset": upload.charset,
        }


class DocumentDetail(NativeView):
    """One document."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(operation_id="documents_get", responses={200: DocumentOut})
    def get(self, request: Request, document: UUID) -> Response:
        """Return what is known of a document, without its text."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            return Response(render(*get_document(organisation=organisation, memory=document)))


class DocumentOriginal(NativeView):
    """The file of a document."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="documents_original",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, document: UUID) -> HttpResponseBase:
        """Return the original file, if it was kept."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            _, row = get_document(organisation=organisation, memory=document)
        if not row.file:
            raise NoOriginal
        answer = HttpResponse(read_file(organisation=organisation, key=row.file), content_type=row.media_type)
        name = row.name or row.title or "document"
        # never shown by a browser under this origin: a file may contain scripts
        answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        answer["Cache-Control"] = "no-store"
        return answer


class DocumentPassages(NativeView):
    """The passages of a document."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="documents_passages",
        parameters=query_parameters(PassageQuery),
        responses={200: PassagePage},
    )
    def get(self, request: Request, document: UUID) -> Response:
        """Return a document's passages in order, the units that search finds."""
        asked, organisation = self.query(PassageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            memory, _ = get_document(organisation=organisation, memory=document)
            found = list_passages(
                organisation=organisation, memory=memory, after=asked.cursor, limit=asked.limit + 1
            )
        url = request._request.build_absolute_uri(request._request.path)
        following = asked.cursor + asked.limit
        results = [
            DocumentPassageOut(
                number=each.number,
                start=each.place.start,
                end=each.place.end,
                page=each.place.page,
                heading=each.place.heading,
                language=each.language,
                text=each.text,
            ).model_dump(mode="json")
            for each in found[: asked.limit]
        ]
        more = f"{url}?cursor={following}&limit={asked.limit}" if len(found) > asked.limit else None
        return Response({"results": results, "next": more})


def _parse_fields(told: dict[str, str], query: Container[str]) -> DocumentFields:
    """Return the fields of a request; errors are located in the query or in the body."""
    values: dict[str, Any] = dict(told)
    for name in ("metadata", "visible_to"):
        if name in told and (name == "metadata" or told[name].lstrip().startswith("{")):
            values[name] = parse_json(told[name], loc=("query" if name in query else "body", name))
    try:
        return validate(DocumentFields, values)
    except InvalidRequest as error:
        for each in error.items:
            if each["loc"][1] in query:
                each["loc"][0] = "query"
        raise InvalidRequest(error.items) from error


def render(memory: Memory, row: Document) -> dict[str, Any]:
    """Render a document as JSON-ready values."""
    own = ("title", "media_type", "pages", "characters", "bytes", "sha256")
    of_memory = (
        "id", "passages", "language", "source", "metadata", "state", "embedding", "version", "recorded_at", "changed_at",
    )  # fmt: skip
    shown = DocumentOut(
        **{name: getattr(row, name) for name in own},
        **{name: getattr(memory, name) for name in of_memory},
        file_name=row.name,
        original=bool(row.file),
        external_id=memory.external_id or None,
        visible_to=as_json(memory.organisation_id, memory.scope_id),
    )
    return shown.model_dump(mode="json")
