"""`/api/v1/ledger/{token}/…`: an organisation's log for monitors and witnesses, by a token in the path; and the offline verifier."""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accountability.ledger import proofs, tiles, verifier
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import declared
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.authentication import LogTokenAuthentication, PrincipalAuthentication
from liftos.kernel.tenancy.types import Scope

# a token may be revoked: caches shared between callers must not answer in our place
FOR_EVER = "private, max-age=31536000, immutable"


class LogView(NativeView):
    """A route below a log token. What it does not know is refused before the token is looked at."""

    authentication_classes = (LogTokenAuthentication,)
    scopes = {"GET": Scope.LEDGER_FOLLOW}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run the checks."""
        if request.method in ("GET", "HEAD"):
            self._refuse_unknown(declared(self, "get"))
        super().initial(request, *args, **kwargs)


class LogHead(LogView):
    """The signed head of the log that a token opens."""

    @extend_schema(
        operation_id="ledger_follow_checkpoint",
        description="The newest checkpoint (C2SP tlog-checkpoint). The log token in the path takes the place of a header.",
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request, token: str) -> HttpResponse:
        """Return the checkpoint as text."""
        del request, token
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            head = proofs.get_checkpoint(organisation)
        answer = HttpResponse(head.text, content_type="text/plain; charset=utf-8")
        answer["Cache-Control"] = "no-cache"
        return answer


class LogTile(LogView):
    """A tile of the log that a token opens, or a bundle of its entries."""

    @extend_schema(
        operation_id="ledger_follow_tile",
        description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]` (C2SP tlog-tiles). The log token in the path takes the place of a header.",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, token: str, tile: str) -> HttpResponse:
        """Return a tile."""
        del token
        organisation, wanted = self.principal.organisation, tiles.parse_tile(tile)
        with tenant_transaction(organisation):
            data = tiles.read_tile(organisation, wanted)
        answer = HttpResponse(content_type="application/octet-stream")
        answer["Cache-Control"] = FOR_EVER
        if wanted.level == tiles.ENTRIES:
            answer["Vary"] = "Accept-Encoding"
            if _takes_gzip(request._request):
                data = gzip.compress(data, mtime=0)
                answer["Content-Encoding"] = "gzip"
        answer.content = data
        return answer


class OptionalAuthentication(PrincipalAuthentication):
    """Nobody is asked who they are: what is served holds nothing of anybody's."""

    def authenticate(self, request: Request) -> None:
        """Let everybody in."""
        del request


class OfflineVerifier(NativeView):
    """The offline verifier: one file of Python, without dependencies."""

    authentication_classes = (OptionalAuthentication,)

    @extend_schema(
        operation_id="ledger_verifier",
        description="The program that checks proofs, consistency and exports offline. Needs no credential.",
        responses={(200, "text/x-python"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the file."""
        del request
        program, digest = _program()
        answer = HttpResponse(program, content_type="text/x-python; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="verifier.py"'
        answer["ETag"] = f'"{digest}"'
        answer["Cache-Control"] = "no-cache"
        return answer


@cache
def _program() -> tuple[bytes, str]:
    program = Path(verifier.__file__).read_bytes()
    return program, hashlib.sha256(program).hexdigest()


def _takes_gzip(request: HttpRequest) -> bool:
    offers = [each.strip().lower() for each in request.headers.get("accept-encoding", "").split(",")]
    return any(
        each.partition(";")[0] in ("gzip", "*") and not each.endswith(("q=0", "q=0.0")) for each in offers
    )
