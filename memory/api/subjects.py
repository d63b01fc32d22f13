"""`/api/v1/subjects/{kind}/{id}`: export and erase what is by or about a person."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.errors import PermissionDenied
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.suggestions import suggestion
from liftos.kernel.tenancy.types import Scope
from memory.api.corrections import Correction
from memory.subjects.erasure import erase_subject
from memory.subjects.export import export_lines
from memory.subjects.types import MAX_SUBJECT, SubjectKind


class SubjectErased(BaseModel):
    """The erasure's receipt (`/api/v1/erasures/{id}`) with its figures."""

    erasure_id: UUID
    decision_id: UUID
    memories: int
    removed: dict[str, int]
    kept: dict[str, int]


class _Subject(NativeView):
    costly = True

    def named(self, kind: str, subject: str) -> dict[str, Any]:
        """Return the subject that a path names."""
        if kind not in list(SubjectKind):
            hint = suggestion(kind, SubjectKind)
            message = f"A kind is one of {', '.join(SubjectKind)}{hint}"
            raise InvalidRequest([item("enum", ("path", "kind"), message, kind[:100])])
        if len(subject) > MAX_SUBJECT or not subject.strip() or not subject.isprintable():
            message = f"An id has 1 to {MAX_SUBJECT} printable characters"
            raise InvalidRequest([item("subject_id", ("path", "subject"), message)])
        return {"organisation": self.organisation, "kind": SubjectKind(kind), "subject": subject}


class SubjectExport(_Subject):
    """All data of a subject."""

    scopes = {"GET": Scope.ADMIN}

    @described("subjects_export", responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    def get(self, request: Request, kind: str, subject: str) -> StreamingHttpResponse:
        """Stream everything by or about a subject as JSON lines: memories with versions, decisions and runs."""
        del request
        for scope in (Scope.MEMORY_READ, Scope.DECISIONS_READ):
            if not self.principal.may(scope):
                raise PermissionDenied(f"This requires the scope {scope}.")
        lines = export_lines(**self.named(kind, subject))
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


class SubjectErase(_Subject):
    """The erasure of a subject."""

    scopes = {"POST": Scope.ADMIN}

    @described("subjects_erase", request=Correction, responses={200: SubjectErased})
    @once
    def post(self, request: Request, kind: str, subject: str) -> Response:
        """Erase everything by or about a subject, with one receipt and one entry in the log."""
        del request
        reason = self.body(Correction).reason if self.json is not None else ""
        receipt = erase_subject(**self.named(kind, subject), by=self.principal.actor, reason=reason)
        shown = SubjectErased(
            erasure_id=receipt.id,
            decision_id=receipt.decision,
            memories=receipt.memories,
            removed=receipt.removed,
            kept=receipt.kept,
        )
        return Response(shown.model_dump(mode="json"))
