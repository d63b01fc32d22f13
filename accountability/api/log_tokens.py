"""`/api/v1/ledger/{token}/…`: an organisation's log for monitors and witnesses, by a token in the path."""

import gzip
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from accountability.ledger import proofs, tiles
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import declared, described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.authentication import LogTokenAuthentication
from liftos.kernel.tenancy.types import Scope

# private: a token may be revoked, so shared caches must not answer for us
_IMMUTABLE = "private, max-age=31536000, immutable"


class LogView(NativeView):
    """A route below a log token; unknown parameters are rejected before the token is checked."""

    authentication_classes = (LogTokenAuthentication,)
    scopes = {"GET": Scope.LEDGER_FOLLOW}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Reject unknown parameters, then run DRF's checks."""
        if request.method in ("GET", "HEAD"):
            self._refuse_unknown(declared(self, "get"))
        super().initial(request, *args, **kwargs)


class LogHead(LogView):
    """The newest signed tree head of a token's log."""

    @described(
        "ledger_follow_checkpoint",
        description="The newest checkpoint (C2SP tlog-checkpoint). The log token in the path replaces the API key header.",
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request, token: str) -> HttpResponse:
        """Return the checkpoint as text."""
        with tenant_transaction(self.organisation):
            head = proofs.get_checkpoint(self.organisation)
        answer = HttpResponse(head.text, content_type="text/plain; charset=utf-8")
        answer["Cache-Control"] = "no-cache"
        return answer


class LogTile(LogView):
    """A tile or entry bundle of a token's log."""

    @described(
        "ledger_follow_tile",
        description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]` (C2SP tlog-tiles). The log token in the path replaces the API key header.",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, token: str, tile: str) -> HttpResponse:
        """Return a tile."""
        organisation, parsed = self.organisation, tiles.parse_tile(tile)
        with tenant_transaction(organisation):
            data = tiles.read_tile(organisation, parsed)
        answer = HttpResponse(content_type="application/octet-stream")
        answer["Cache-Control"] = _IMMUTABLE
        if parsed.level == tiles.ENTRIES:
            answer["Vary"] = "Accept-Encoding"
            if _takes_gzip(request._request):
                data = gzip.compress(data, mtime=0)
                answer["Content-Encoding"] = "gzip"
        answer.content = data
        return answer


def _takes_gzip(request: HttpRequest) -> bool:
    offers = [each.strip().lower() for each in request.headers.get("accept-encoding", "").split(",")]
    return any(
        each.partition(";")[0] in ("gzip", "*") and not each.endswith(("q=0", "q=0.0")) for each in offers
    )
