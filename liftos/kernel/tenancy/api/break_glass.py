"""`/api/v1/break_glass`: reading what only somebody else sees, for a reason, for a time, on record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy import break_glass, principals
from liftos.kernel.tenancy.models import BreakGlass
from liftos.kernel.tenancy.types import Scope


class BreakGlassIn(Strict):
    """Whose private rows to open, by name or id: a principal's or a group's."""

    principal: str | None = Field(default=None, min_length=1, max_length=200)
    group: str | None = Field(default=None, min_length=1, max_length=200)
    reason: str = Field(min_length=break_glass.MIN_REASON, max_length=break_glass.MAX_REASON)
    minutes: int = Field(default=60, ge=1)


class BreakGlassOut(BaseModel):
    """A break-glass: who may read, whose rows, why, and until when."""

    id: UUID
    principal: str | None
    group: str | None
    reason: str
    actor_kind: str
    actor_id: str
    opened_at: datetime
    until: datetime
    ended_at: datetime | None


def shape(glass: BreakGlass) -> dict[str, Any]:
    """Return a break-glass as JSON-ready values; inside a tenant transaction."""
    return BreakGlassOut(
        id=glass.id,
        principal=glass.principal.name if glass.principal else None,
        group=glass.group.name if glass.group else None,
        reason=glass.reason,
        actor_kind=glass.actor_kind,
        actor_id=glass.actor_id,
        opened_at=glass.opened_at,
        until=glass.until,
        ended_at=glass.ended_at,
    ).model_dump(mode="json")


class BreakGlassBase(NativeView):
    """A base of the views of break-glass."""

    def rows(self) -> Any:
        """Return those that the caller may know: administrators all, others those about them; inside a tenant transaction."""
        if self.principal.may(Scope.ADMIN):
            found = BreakGlass.objects.filter(organisation_id=self.organisation)
        else:
            found = break_glass.break_glass_about(
                organisation=self.organisation, principal=self.principal.viewer.principal
            )
        return found.select_related("principal", "group")

    def shown(self, glass: UUID) -> dict[str, Any]:
        """Return one of them."""
        with tenant_transaction(self.organisation):
            found = self.rows().filter(id=glass).first()
            if found is None:
                raise break_glass.BreakGlassNotFound
            return shape(found)


class BreakGlasses(BreakGlassBase):
    """The break-glass of an organisation."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any]) -> Response:
        return Response(self.shown(UUID(ids["id"])))

    @described("break_glass_list", query=PageQuery, responses={200: page_of(BreakGlassOut)})
    def get(self, request: Request) -> Response:
        """List break-glass, newest first: administrators see all, others those that opened what they see."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = self.rows().order_by("-id")
            if query.before is not None:
                rows = rows.filter(id__lt=query.before)
            found = list(rows[: query.limit + 1])
            results = [shape(each) for each in found]
        return Response(page(request._request, found, query.limit, results))

    @described("break_glass_open", request=BreakGlassIn, responses={201: BreakGlassOut})
    @once(anew=_answer_again)
    def post(self, request: Request) -> Response:
        """Open what only a principal, or a group, sees, to the caller's requests that send `X-Break-Glass`."""
        del request
        asked = self.body(BreakGlassIn)
        named = {"organisation": self.organisation}
        if asked.principal is not None and asked.group is None:
            whose: Any = principals.find_principal(named=asked.principal, **named)
        elif asked.group is not None and asked.principal is None:
            whose = principals.find_group(named=asked.group, **named)
        else:
            raise InvalidInput("Name either a principal or a group.", loc=("principal",))
        made = break_glass.open_break_glass(
            **self.caller, whose=whose, reason=asked.reason, minutes=asked.minutes, now=timezone.now()
        )
        return Response(self.shown(made.id), status=201)


class BreakGlassDetail(BreakGlassBase):
    """One break-glass."""

    scopes = {"GET": Scope.MEMORY_READ, "DELETE": Scope.ADMIN}

    @described("break_glass_get", responses={200: BreakGlassOut})
    def get(self, request: Request, glass: UUID) -> Response:
        """Return a break-glass."""
        del request
        return Response(self.shown(glass))

    @described("break_glass_end", responses={204: None})
    @once
    def delete(self, request: Request, glass: UUID) -> Response:
        """End a break-glass now; it stays on record."""
        del request
        break_glass.end_break_glass(**self.caller, glass=glass, now=timezone.now())
        return Response(status=204)
