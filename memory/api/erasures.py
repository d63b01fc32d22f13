"""`/api/v1/erasures/{erasure}`: erasure receipts."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import DerivedOut
from memory.erasure.receipts import get_erasure


class KeptOut(BaseModel):
    """What an erasure left: the number of rows that quote the memory by place, and tables not searched completely."""

    places: dict[str, int] = {}
    not_looked_at: list[str] = []


class ErasureOut(BaseModel):
    """The receipt of an erasure: what was removed from where and what was kept, without the content.

    `part_of` is the receipt of a joint erasure, which has the figures.
    """

    id: UUID
    memory_id: UUID
    recorded_at: datetime
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    part_of: UUID | None
    removed: dict[str, int]
    kept: KeptOut
    caches: dict[str, str]
    derived_memories: list[UUID]
    derived: DerivedOut | None
    decision_id: UUID


class Erasures(NativeView):
    """An erasure receipt."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ}

    @extend_schema(operation_id="erasures_get", responses={200: ErasureOut})
    def get(self, request: Request, erasure: UUID) -> Response:
        """Return the receipt of an erasure."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = get_erasure(organisation=organisation, erasure=erasure)
        caches = dict(row.caches)
        derived, counts = caches.pop("derived_memories", []), caches.pop("derived", None)
        same = (
            "id", "memory_id", "recorded_at", "actor_kind", "actor_id", "on_behalf_of", "part_of", "removed", "decision_id",
        )  # fmt: skip
        shown = ErasureOut(
            caches=caches,
            kept=row.kept,
            derived_memories=derived,
            derived=counts,
            **{name: getattr(row, name) for name in same},
        )
        return Response(shown.model_dump(mode="json"))
