"""`/api/v1/ledger/…`: the organisation's log, its checks, and the offline verifier."""

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from accountability.ledger import proofs, verifier
from accountability.ledger.signing import origin_of, verifier_key
from accountability.ledger.verification import verify_within
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.authentication import PrincipalAuthentication
from liftos.kernel.tenancy.types import Scope


class CheckpointOut(BaseModel):
    """The newest signed tree head, and the key it verifies with."""

    origin: str
    size: int
    root: str
    checkpoint: str
    key: str
    pending: int
    recorded_at: datetime


class ConsistencyQuery(BaseModel):
    """Two sizes of the log; `to` is its present size when left out."""

    first: int = Field(ge=1, validation_alias="from")
    second: int | None = Field(default=None, ge=1, validation_alias="to")


class VerificationOut(BaseModel):
    """The result of a verification; if it does not hold, `text` names the first failure."""

    holds: bool
    text: str
    records: int


class LedgerCheckpoint(NativeView):
    """The log's newest signed tree head."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("ledger_checkpoint", responses={200: CheckpointOut})
    def get(self, request: Request) -> Response:
        """Return the checkpoint as signed text and as fields."""
        with tenant_transaction(self.organisation):
            head = proofs.get_checkpoint(self.organisation)
            pending = proofs.count_pending(self.organisation)
        return Response(
            {
                "origin": origin_of(self.organisation),
                "size": head.size,
                "root": base64.b64encode(head.root).decode(),
                "checkpoint": head.text,
                "key": verifier_key(),
                "pending": pending,
                "recorded_at": head.recorded_at.isoformat(),
            }
        )


class LedgerConsistency(NativeView):
    """A proof that the log only grew."""

    scopes = {"GET": Scope.DECISIONS_READ}

    @described("ledger_consistency", query=ConsistencyQuery, responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Prove that the tree of `to` records continues the tree of `from` records."""
        query = self.query(ConsistencyQuery)
        with tenant_transaction(self.organisation):
            return Response(
                proofs.get_consistency(organisation=self.organisation, first=query.first, second=query.second)
            )


class LedgerVerification(NativeView):
    """The verification that `verify_ledger` runs: the log rebuilt from its rows and compared with every checkpoint."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @described("ledger_verification", responses={200: VerificationOut})
    def get(self, request: Request) -> Response:
        """Verify the log, up to 100,000 records."""
        with tenant_transaction(self.organisation):
            records, verdict = verify_within(self.organisation, most=100_000)
        return Response({"holds": verdict.holds, "text": verdict.text, "records": records})


class NoAuthentication(PrincipalAuthentication):
    """Accepts every caller: the response holds no organisation's data."""

    def authenticate(self, request: Request) -> None:
        """Accept the request without a principal."""


class OfflineVerifier(NativeView):
    """The offline verifier: one file of Python, without dependencies."""

    authentication_classes = (NoAuthentication,)

    @described(
        "ledger_verifier",
        description="The program that checks proofs, consistency and exports offline. Needs no credential.",
        responses={(200, "text/x-python"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the file."""
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
