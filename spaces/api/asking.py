"""`/api/v1/spaces/{space}/…`: what can be asked of a space."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import page
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.rendering import position_out, quoted
from spaces.api.schemas import (
    ClustersQuery,
    CompareQuery,
    ExplainQuery,
    NeighboursQuery,
    PositionPage,
    PositionQuery,
    Results,
    VersionQuery,
)
from spaces.errors import ConceptNotFound
from spaces.queries import find_concept, get_view
from spaces.query.questions import (
    Part,
    Standing,
    compare,
    explain,
    find_clusters,
    get_standing,
    list_standings,
    neighbours,
    shown,
)
from spaces.reports.dimensions import make_report
from spaces.types import Dimension


class _Row:
    """A standing, as pagination wants it."""

    def __init__(self, standing: Standing) -> None:
        self.id = standing.memory


class Positions(NativeView):
    """Where members stand."""

    scopes = {"GET": Scope.SPACES_READ}

    @extend_schema(
        operation_id="spaces_positions",
        parameters=query_parameters(PositionQuery),
        responses={200: PositionPage},
    )
    def get(self, request: Request, space: UUID) -> Response:
        """List positions, newest memories first; or one memory's, with `memory`."""
        query, organisation = self.query(PositionQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = get_view(organisation=organisation, space=space, version=query.version)
            if query.memory is not None:
                found = [get_standing(organisation=organisation, view=view, memory=query.memory)]
            else:
                found = list_standings(
                    organisation=organisation, view=view, limit=query.limit + 1, before=query.before
                )
        results = [position_out(each, view.dimensions, self.principal) for each in found]
        return Response(page(request._request, [_Row(each) for each in found], query.limit, results))


class Neighbours(NativeView):
    """What is near."""

    scopes = {"GET": Scope.SPACES_READ}

    @extend_schema(
        operation_id="spaces_neighbours",
        parameters=query_parameters(NeighboursQuery),
        responses={200: Results},
    )
    def get(self, request: Request, space: UUID) -> Response:
        """List the members nearest to one of them."""
        del request
        query, organisation = self.query(NeighboursQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = get_view(organisation=organisation, space=space, version=query.version)
            found = neighbours(organisation=organisation, view=view, memory=query.memory, limit=query.limit)
        results = [
            {
                "memory_id": str(each.memory),
                **quoted(each.content, self.principal),
                "distance": each.distance,
                "similarity": each.similarity,
                "coverage": each.coverage,
            }
            for each in found
        ]
        return Response({"results": results, "next": None})


class Explain(NativeView):
    """Why something is typical."""

    scopes = {"GET": Scope.SPACES_READ}

    @extend_schema(
        operation_id="spaces_explain", parameters=query_parameters(ExplainQuery), responses={200: dict}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """Tell how typical a memory is of a concept (name or id), dimension by dimension."""
        del request
        query, organisation = self.query(ExplainQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = get_view(organisation=organisation, space=space, version=query.version)
            concept = find_concept(organisation=organisation, space=space, name=query.concept)
            if concept is None:
                raise ConceptNotFound(loc=("query", "concept"))
            standing = get_standing(organisation=organisation, view=view, memory=query.memory)
            found = explain(organisation=organisation, view=view, standing=standing, concept=concept)
        names = ("memory", "concept")
        body = {"memory_id": str(query.memory), "concept": concept.name, "version": view.version, **found}
        return Response(body | {"dimensions": _parts(found["dimensions"], view.dimensions, names)})


class Compare(NativeView):
    """Two memories side by side."""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @extend_schema(
        operation_id="spaces_compare", parameters=query_parameters(CompareQuery), responses={200: dict}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """Tell how two memories differ, dimension by dimension, and how far `between` lies between them."""
        del request
        query, organisation = self.query(CompareQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = get_view(organisation=organisation, space=space, version=query.version)
            first, second = (
                get_standing(organisation=organisation, view=view, memory=memory, field=field)
                for field, memory in (("first", query.first), ("second", query.second))
            )
            between = query.between and get_standing(
                organisation=organisation, view=view, memory=query.between, field="between"
            )
        found = compare(view, first, second, between or None)
        body = {"first": str(query.first), "second": str(query.second), "version": view.version, **found}
        return Response(
            body | {"dimensions": _parts(found["dimensions"], view.dimensions, ("first", "second"))}
        )


class Clusters(NativeView):
    """What lies together."""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @extend_schema(
        operation_id="spaces_clusters", parameters=query_parameters(ClustersQuery), responses={200: Results}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """Divide the newest 10,000 members into groups that lie together, the same ones every time."""
        del request
        query, organisation = self.query(ClustersQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = get_view(organisation=organisation, space=space, version=query.version)
            found = find_clusters(organisation=organisation, view=view, count=query.count)
        by_name = {each.name: each for each in view.dimensions}
        results = [
            {
                "size": each.size,
                "centre": {name: shown(value, by_name[name]) for name, value in each.centre.items()},
                "nearest_concept": each.concept,
                "members": [str(memory) for memory in each.members],
            }
            for each in found
        ]
        return Response({"results": results, "next": None})


class DimensionReport(NativeView):
    """Are the dimensions any good?"""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @extend_schema(
        operation_id="spaces_report", parameters=query_parameters(VersionQuery), responses={200: Results}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """Tell of each dimension how much is known, how far its poles are apart, whether it agrees with its examples, its double."""
        del request
        query, organisation = self.query(VersionQuery), self.principal.organisation
        _, reports = make_report(organisation=organisation, space=space, version=query.version)
        results = [_finite(asdict(each)) | {"warnings": list(each.warnings)} for each in reports]
        return Response({"results": results, "next": None})


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    # NaN is no JSON: agreement that is not defined is null
    return {
        name: None if isinstance(value, float) and value != value else value  # noqa: PLR0124
        for name, value in values.items()
    }


def _parts(
    parts: list[Part], dimensions: tuple[Dimension, ...], names: tuple[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "name": part.name,
            names[0]: shown(part.first, each),
            names[1]: shown(part.second, each),
            "difference": part.difference,
            "weight": part.weight,
        }
        for part, each in zip(parts, dimensions, strict=True)
    ]
