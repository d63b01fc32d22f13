"""`/api/v1/principals`: the people, agents and services of an organisation."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy import principals
from liftos.kernel.tenancy.leaving import delete_principal
from liftos.kernel.tenancy.models import PrincipalRecord
from liftos.kernel.tenancy.principals import MAX_NAME
from liftos.kernel.tenancy.types import PrincipalKind, Scope


class PrincipalsQuery(PageQuery):
    """Filters of the list."""

    kind: PrincipalKind | None = None
    group: QueryText = ""


class NewPrincipalIn(Strict):
    """A principal to create, and the groups it joins, by name or id."""

    name: str = Field(max_length=MAX_NAME)
    kind: PrincipalKind = PrincipalKind.PERSON
    groups: list[str] = Field(default=[], max_length=1_000)


class PrincipalChange(Strict):
    """The fields to change."""

    name: str | None = Field(default=None, max_length=MAX_NAME)
    kind: PrincipalKind | None = None


class DeletionQuery(BaseModel):
    """The choice for memories that only the principal sees: `erase`, or `transfer:` and the name or id of another one."""

    memories: QueryText = ""


class PrincipalDeleted(BaseModel):
    """A deleted principal. `outcome`: the memories that only it saw were `erased` or `transferred`, or there were `none`."""

    id: UUID
    name: str
    memories: int
    outcome: str
    keys_revoked: int


class PrincipalOut(BaseModel):
    """A principal, and the names of its groups."""

    id: UUID
    name: str
    kind: PrincipalKind
    groups: list[str]
    recorded_at: datetime


def shape(principal: PrincipalRecord) -> dict[str, Any]:
    """Return a principal as JSON-ready values; inside a tenant transaction."""
    groups = sorted(each.group.name for each in principal.groups.all())
    kind = PrincipalKind(principal.kind)
    return PrincipalOut(
        id=principal.id, name=principal.name, kind=kind, groups=groups, recorded_at=principal.recorded_at
    ).model_dump(mode="json")


class PrincipalsView(NativeView):
    """A base of the views of principals."""

    def shown(self, named: str) -> dict[str, Any]:
        """Return a principal by its name or id."""
        found = principals.find_principal(organisation=self.organisation, named=named)
        with tenant_transaction(self.organisation):
            return shape(PrincipalRecord.objects.prefetch_related("groups__group").get(id=found.id))


class Principals(PrincipalsView):
    """The principals of an organisation."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any]) -> Response:
        return Response(self.shown(ids["id"]))

    @described("principals_list", query=PrincipalsQuery, responses={200: page_of(PrincipalOut)})
    def get(self, request: Request) -> Response:
        """List principals, newest first."""
        query = self.query(PrincipalsQuery)
        with tenant_transaction(self.organisation):
            rows = PrincipalRecord.objects.filter(organisation_id=self.organisation).order_by("-id")
            rows = rows.prefetch_related("groups__group")
            if query.kind is not None:
                rows = rows.filter(kind=query.kind.value)
            if query.group:
                group = principals.find_group(organisation=self.organisation, named=query.group)
                rows = rows.filter(groups__group_id=group.id)
            if query.before is not None:
                rows = rows.filter(id__lt=query.before)
            found = list(rows[: query.limit + 1])
            results = [shape(each) for each in found]
        return Response(page(request._request, found, query.limit, results))

    @described("principals_create", request=NewPrincipalIn, responses={201: PrincipalOut})
    @once(anew=_answer_again)
    def post(self, request: Request) -> Response:
        """Create a principal."""
        del request
        asked = self.body(NewPrincipalIn)
        with tenant_transaction(self.organisation):
            made = principals.create_principal(**self.caller, name=asked.name, kind=asked.kind)
            for each in asked.groups:
                group = principals.find_group(organisation=self.organisation, named=each)
                principals.add_member(**self.caller, group=group, principal=made)
        return Response(self.shown(str(made.id)), status=201)


class PrincipalDetail(PrincipalsView):
    """One principal, by its name or id."""

    scopes = {"GET": Scope.MEMORY_READ, "PATCH": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @described("principals_get", responses={200: PrincipalOut})
    def get(self, request: Request, principal: str) -> Response:
        """Return a principal."""
        del request
        return Response(self.shown(principal))

    @described("principals_change", request=PrincipalChange, responses={200: PrincipalOut})
    @once
    def patch(self, request: Request, principal: str) -> Response:
        """Change a principal's name or kind; what is visible to it stays so."""
        del request
        asked = self.body(PrincipalChange)
        found = principals.find_principal(organisation=self.organisation, named=principal)
        changed = principals.rename_principal(
            **self.caller,
            principal=found,
            name=found.name if asked.name is None else asked.name,
            kind=asked.kind or PrincipalKind(found.kind),
        )
        return Response(self.shown(str(changed.id)))

    @described("principals_delete", query=DeletionQuery, responses={200: PrincipalDeleted})
    @once
    def delete(self, request: Request, principal: str) -> Response:
        """Delete a principal and revoke its keys. 409 with the number of memories that only it sees, unless `memories` erases or transfers them."""
        del request
        found = principals.find_principal(organisation=self.organisation, named=principal)
        left = delete_principal(**self.caller, principal=found, memories=self.query(DeletionQuery).memories)
        shown = PrincipalDeleted(
            id=left.id, name=left.name, memories=left.memories, outcome=left.outcome, keys_revoked=left.keys
        )
        return Response(shown.model_dump(mode="json"))
