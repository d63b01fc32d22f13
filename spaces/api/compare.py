"""`/api/v1/spaces/{space}/compare`: compares two memories."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.shared import VersionQuery, parts_out
from spaces.queries import get_view
from spaces.query.questions import compare, get_member_position


class CompareQuery(VersionQuery):
    """The two memories, and optionally a third to measure between them."""

    first: UUID
    second: UUID
    between: UUID | None = None


class Compare(NativeView):
    """A comparison of two memories."""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @described("spaces_compare", query=CompareQuery, responses={200: dict})
    def get(self, request: Request, space: UUID) -> Response:
        """Compare two memories by dimension, and return how far `between` lies between them."""
        query = self.query(CompareQuery)
        with tenant_transaction(self.organisation):
            view = get_view(organisation=self.organisation, space=space, version=query.version)
            first, second = (
                get_member_position(organisation=self.organisation, view=view, memory=memory, field=field)
                for field, memory in (("first", query.first), ("second", query.second))
            )
            between = query.between and get_member_position(
                organisation=self.organisation, view=view, memory=query.between, field="between"
            )
        found = compare(view, first, second, between or None)
        body = {"first": str(query.first), "second": str(query.second), "version": view.version, **found}
        return Response(
            body | {"dimensions": parts_out(found["dimensions"], view.dimensions, ("first", "second"))}
        )
