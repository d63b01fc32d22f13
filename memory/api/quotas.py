"""`/api/v1/quotas`: an organisation's quotas and their usage."""

from dataclasses import asdict
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import no_nul
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.quotas.operations import list_quotas, set_quota
from memory.quotas.types import Quota

Limit = Annotated[int, Field(ge=0, le=2**53)] | None


class QuotaIn(Strict):
    """All limits of one owner; null is no limit."""

    whose: Annotated[str, Field(max_length=230), AfterValidator(no_nul)] = "organisation"
    memories: Limit = None
    bytes: Limit = None
    searches_per_day: Limit = None


class UsageOut(BaseModel):
    """What an owner has stored."""

    memories: int
    bytes: int


class QuotaOut(BaseModel):
    """An owner's quota and usage; a null limit is none."""

    whose: str
    memories: int | None
    bytes: int | None
    searches_per_day: int | None
    usage: UsageOut


class QuotasOut(BaseModel):
    """The organisation's quotas, its own first."""

    results: list[QuotaOut]
    next: None


class QuotaSet(BaseModel):
    """The quota as set; `decision_id` is null if nothing changed."""

    whose: str
    memories: int | None
    bytes: int | None
    searches_per_day: int | None
    decision_id: UUID | None


class Quotas(NativeView):
    """The organisation's quotas."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "PUT": Scope.ADMIN}

    @described("quotas_list", responses={200: QuotasOut})
    def get(self, request: Request) -> Response:
        """List quotas with their usage."""
        del request
        results: list[dict[str, Any]] = [
            {"whose": each.whose} | asdict(each.quota) | {"usage": asdict(each.usage)}
            for each in list_quotas(organisation=self.organisation)
        ]
        return Response({"results": results, "next": None})

    @described("quotas_set", request=QuotaIn, responses={200: QuotaSet})
    def put(self, request: Request) -> Response:
        """Set all limits of one owner; without limits, its quota is removed."""
        del request
        asked = self.body(QuotaIn)
        quota = Quota(asked.memories, asked.bytes, asked.searches_per_day)
        decision = set_quota(**self.caller, whose=asked.whose, quota=quota)
        shown = {"whose": asked.whose} | asdict(quota)
        return Response(shown | {"decision_id": str(decision) if decision else None})
