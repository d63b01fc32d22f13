"""`/api/v1/groups`: teams and projects whose members share memories."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy import principals
from liftos.kernel.tenancy.models import Group
from liftos.kernel.tenancy.principals import MAX_NAME
from liftos.kernel.tenancy.types import Scope

MAX_MEMBERS = 1_000


class GroupIn(Strict):
    """A group to create, and its members, by name or id."""

    name: str = Field(max_length=MAX_NAME)
    members: list[str] = Field(default=[], max_length=MAX_MEMBERS)


class GroupChange(Strict):
    """The group's new name."""

    name: str = Field(max_length=MAX_NAME)


class MembersIn(Strict):
    """Principals to add, by name or id."""

    members: list[str] = Field(min_length=1, max_length=MAX_MEMBERS)


class GroupOut(BaseModel):
    """A group, and the names of its members."""

    id: UUID
    name: str
    members: list[str]
    recorded_at: datetime


def shape(group: Group) -> dict[str, Any]:
    """Return a group as JSON-ready values; inside a tenant transaction."""
    members = sorted(each.principal.name for each in group.members.all())
    return GroupOut(id=group.id, name=group.name, members=members, recorded_at=group.recorded_at).model_dump(
        mode="json"
    )


class GroupsView(NativeView):
    """A base of the views of groups."""

    def shown(self, named: str) -> dict[str, Any]:
        """Return a group by its name or id."""
        found = principals.find_group(organisation=self.organisation, named=named)
        with tenant_transaction(self.organisation):
            return shape(Group.objects.prefetch_related("members__principal").get(id=found.id))

    def add(self, group: Group, members: list[str]) -> None:
        """Add principals, all or none; inside a tenant transaction."""
        for each in members:
            found = principals.find_principal(organisation=self.organisation, named=each)
            principals.add_member(**self.caller, group=group, principal=found)


class Groups(GroupsView):
    """The groups of an organisation."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any]) -> Response:
        return Response(self.shown(ids["id"]))

    @described("groups_list", query=PageQuery, responses={200: page_of(GroupOut)})
    def get(self, request: Request) -> Response:
        """List groups, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = Group.objects.filter(organisation_id=self.organisation).order_by("-id")
            rows = rows.prefetch_related("members__principal")
            if query.before is not None:
                rows = rows.filter(id__lt=query.before)
            found = list(rows[: query.limit + 1])
            results = [shape(each) for each in found]
        return Response(page(request._request, found, query.limit, results))

    @described("groups_create", request=GroupIn, responses={201: GroupOut})
    @once(anew=_answer_again)
    def post(self, request: Request) -> Response:
        """Create a group."""
        del request
        asked = self.body(GroupIn)
        with tenant_transaction(self.organisation):
            made = principals.create_group(**self.caller, name=asked.name)
            self.add(made, asked.members)
        return Response(self.shown(str(made.id)), status=201)


class GroupDetail(GroupsView):
    """One group, by its name or id."""

    scopes = {"GET": Scope.MEMORY_READ, "PATCH": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @described("groups_get", responses={200: GroupOut})
    def get(self, request: Request, group: str) -> Response:
        """Return a group."""
        del request
        return Response(self.shown(group))

    @described("groups_change", request=GroupChange, responses={200: GroupOut})
    @once
    def patch(self, request: Request, group: str) -> Response:
        """Rename a group."""
        del request
        asked = self.body(GroupChange)
        found = principals.find_group(organisation=self.organisation, named=group)
        principals.rename_group(**self.caller, group=found, name=asked.name)
        return Response(self.shown(str(found.id)))

    @described("groups_delete", responses={204: None})
    @once
    def delete(self, request: Request, group: str) -> Response:
        """Delete a group to which nothing was ever made visible."""
        del request
        found = principals.find_group(organisation=self.organisation, named=group)
        principals.delete_group(**self.caller, group=found)
        return Response(status=204)


class Members(GroupsView):
    """A group's members."""

    scopes = {"POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any], group: str) -> Response:
        del group
        return Response(self.shown(ids["id"]))

    @described("groups_members_add", request=MembersIn, responses={200: GroupOut})
    @once(anew=_answer_again)
    def post(self, request: Request, group: str) -> Response:
        """Add principals to a group, all or none; members stay members."""
        del request
        asked = self.body(MembersIn)
        found = principals.find_group(organisation=self.organisation, named=group)
        with tenant_transaction(self.organisation):
            self.add(found, asked.members)
        return Response(self.shown(str(found.id)))


class Member(GroupsView):
    """A principal in a group."""

    scopes = {"PUT": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @described("groups_members_put", responses={200: GroupOut})
    @once
    def put(self, request: Request, group: str, principal: str) -> Response:
        """Add a principal to a group."""
        del request
        found = principals.find_group(organisation=self.organisation, named=group)
        with tenant_transaction(self.organisation):
            self.add(found, [principal])
        return Response(self.shown(str(found.id)))

    @described("groups_members_remove", responses={200: GroupOut})
    @once
    def delete(self, request: Request, group: str, principal: str) -> Response:
        """Remove a principal from a group: from the next second on it no longer sees what is visible to the group."""
        del request
        found = principals.find_group(organisation=self.organisation, named=group)
        member = principals.find_principal(organisation=self.organisation, named=principal)
        principals.remove_member(**self.caller, group=found, principal=member)
        return Response(self.shown(str(found.id)))
