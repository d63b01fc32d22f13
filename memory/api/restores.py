"""`/api/v1/memories/{memory}/restore`: bring an earlier version back."""

from uuid import UUID

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.memory import RevisedOut, revised_body
from memory.inputs import Reason
from memory.trust.restoring import prepare_restore
from memory.trust.revision import PreparedRevision, commit_revision


class Restoration(Strict):
    """The version to bring back."""

    version: int = Field(ge=1, le=2_147_483_647)
    reason: Reason = ""


class Restore(NativeView):
    """Brings earlier versions back."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    def prepare(self, memory: UUID) -> PreparedRevision:
        """Read the version, and embed its text if that differs."""
        return prepare_restore(
            organisation=self.organisation,
            memory=memory,
            restored=self.body(Restoration).version,
            version=if_match(self.request._request),
        )

    @described("memories_restore", request=Restoration, responses={200: RevisedOut}, if_match="optional")
    @once(prepare=prepare)
    def post(self, request: Request, memory: UUID, prepared: PreparedRevision) -> Response:
        """Create a new version with text, metadata, type, tags, importance and times of an earlier one; its state stays."""
        del request, memory
        asked = self.body(Restoration)
        revised = commit_revision(
            **self.caller,
            prepared=prepared,
            reason=f"Restores version {asked.version}. {asked.reason}".strip(),
        )
        return Response(revised_body(revised), headers={"ETag": etag_of(revised.version)})
