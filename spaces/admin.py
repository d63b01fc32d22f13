"""Spaces in the admin, read-only: map, radar of a memory and a concept, dimension report."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import ResolverMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.parts import LongList, ReadOnly, drawn_as, drawn_once, table
from liftos.kernel.errors import LiftosError
from spaces.geometry.metric import typicality
from spaces.models import Concept, ConceptRelation, Space
from spaces.queries import View, get_view, list_concepts
from spaces.query.questions import MemberPosition, get_member_position, list_member_positions, shown
from spaces.reports.diagrams import Area, Point, draw_map, draw_radar
from spaces.reports.dimensions import make_report

# newest members that are drawn and ranked by typicality
DRAWN = 500
TYPICAL = 5


class RelationInline(ReadOnly, TabularInline):
    model = ConceptRelation
    fk_name = "space"
    fields = readonly_fields = ("source", "kind", "target", "weight")
    verbose_name_plural = "relations between concepts"
    extra = 0


@admin.register(Space)
class SpaceAdmin(LongList, ModelAdmin):
    list_display = ("name", "version", "holds_all", "is_default", "updated_at")
    inlines = (RelationInline,)
    fields = readonly_fields = (
        "description", "map", "radar", "concepts", "report", "version", "holds_all", "created_at", "updated_at",
    )  # fmt: skip

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        space = super().get_object(request, object_id, from_field)
        if space is not None:
            # chooses the map's two dimensions, and the radar's memory and concept
            space.page_query = request.GET
            space.prepared_report = getattr(request, "prepared_report", None)
        return space

    def prepare_page(self, request: HttpRequest, match: ResolverMatch) -> None:
        """Make a space's report before the page's transaction, since it embeds labelled examples."""
        if match.url_name != "spaces_space_change" or not self.has_view_permission(request):
            return
        try:
            space = UUID(match.kwargs["object_id"])
            report: Any = make_report(organisation=opened(request).id, space=space)
        except ValueError:
            return  # the page itself answers 404
        except LiftosError as error:
            report = error
        request.prepared_report = report  # type: ignore[attr-defined]

    @drawn_once
    def map(self, space: Space) -> SafeString | str:
        view, positions = _page_data(space)
        if view is None or not positions:
            return "No member has a position yet."
        pair = _pair(view, positions, space)
        across, upwards = pair
        points = [
            Point(
                each.point[across], each.point[upwards], min(_confidence(each, view, number) for number in pair),
                each.content, reverse("admin:memory_memory_change", args=[each.memory]),
            )
            for each in positions
            if not np.isnan(each.point[list(pair)]).any()
        ]  # fmt: skip
        picture = draw_map(
            points=points,
            areas=[Area(each.name, view.region(each)) for each in _concepts(view)],
            metric=view.metric,
            across=(across, view.dimensions[across].name),
            upwards=(upwards, view.dimensions[upwards].name),
        )
        missing = len(positions) - len(points)
        note = (
            f"The newest {len(positions)} members; the more opaque a point, the more certain its position."
            + (f" {missing} have no coordinate on one of the two dimensions." if missing else "")
        )
        return render_to_string(
            "spaces/map_page.html", {"picture": picture, "note": note, "axes": _axes(view, pair)}
        )

    @drawn_as("Memory and concept")
    def radar(self, space: Space) -> SafeString | str:
        """Draw the memory and concept in the query string; by default the first concept and its most typical member."""
        view, positions = _page_data(space)
        concepts = _concepts(view) if view is not None else []
        if view is None or not concepts or not positions:
            return "-"
        wanted = space.page_query.get("concept", "")  # type: ignore[attr-defined]
        concept = next((each for each in concepts if str(each.id) == wanted), concepts[0])
        position = _requested_member(space, view) or _typical(view, concept, positions)[0][0]
        region = view.region(concept)
        picture = draw_radar(
            names=[each.name for each in view.dimensions],
            memory=position.point,
            concept=region.prototype,
            concept_name=concept.name,
            weights=region.weights * view.metric.weights,
        )
        score = float(typicality(position.point[np.newaxis], region, view.metric)[0])
        page = reverse("admin:memory_memory_change", args=[position.memory])
        return format_html(
            '{}<p><a href="{}">{}</a></p><p>Typicality for {}: {}</p>',
            picture, page, position.content[:200], concept.name, f"{score:.2f}",
        )  # fmt: skip

    @drawn_once
    def concepts(self, space: Space) -> SafeString | str:
        """List each concept's prototype and most typical members, linked to the radar of both."""
        view, positions = _page_data(space)
        found = _concepts(view) if view is not None else []
        if view is None or not found:
            return "none"
        concepts = [
            {
                "name": concept.name,
                "prototype": ", ".join(
                    f"{each.name} {_text(shown(concept.prototype[each.name], each))}"
                    for each in view.dimensions
                    if each.name in concept.prototype
                ),
                "typical": [
                    {
                        "query": urlencode({"concept": concept.id, "memory": each.memory}),
                        "typicality": f"{score:.2f}",
                        "text": each.content[:120],
                    }
                    for each, score in _typical(view, concept, positions)
                ],
            }
            for concept in found
        ]
        return render_to_string("spaces/concepts.html", {"concepts": concepts})

    @drawn_as("Dimensions")
    def report(self, space: Space) -> SafeString | str:
        prepared = space.prepared_report  # type: ignore[attr-defined]
        if prepared is None or isinstance(prepared, LiftosError):
            return prepared.message if prepared else "-"
        view, reports = prepared
        titles = (
            "dimension", "placed by", "weight", "known", "pole separation", "Spearman", "most similar", "warnings",
        )  # fmt: skip
        rows = (
            (
                each.name, each.kind, f"{dimension.weight:g}", f"{each.known:.0%}",
                "" if each.separation is None else f"{each.separation:.1f} sd",
                "" if each.spearman is None else f"{each.spearman:.2f}",
                f"{each.twin} {each.correlation:+.2f}" if each.twin else "", "; ".join(each.warnings),
            )
            for each, dimension in zip(reports, view.dimensions, strict=True)
        )  # fmt: skip
        return table(titles, rows, label="Dimensions")


@admin.register(Concept)
class ConceptAdmin(LongList, ModelAdmin):
    list_display = ("name", "space", "radius", "updated_at")
    fields = (
        "name", "space", "description", "prototype", "weights", "radius", "examples", "created_at", "updated_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Concept]:
        return super().get_queryset(request).select_related("space")


def _page_data(space: Space) -> tuple[View | None, list[MemberPosition]]:
    """Return the space's view and newest members, read once per page; no view while positions are being built."""
    found = getattr(space, "page_data", None)
    if found is None:
        try:
            view = get_view(organisation=space.organisation_id, space=space.pk)
            found = view, list_member_positions(organisation=space.organisation_id, view=view, limit=DRAWN)
        except LiftosError:
            found = None, []
        space.page_data = found  # type: ignore[attr-defined]
    return found


def _concepts(view: View) -> list[Concept]:
    return list_concepts(organisation=view.space.organisation_id, space=view.space.pk)


def _typical(
    view: View, concept: Concept, positions: list[MemberPosition]
) -> list[tuple[MemberPosition, float]]:
    """Return the members most typical of a concept, weighted by the confidence of their coordinates, best first."""
    region = view.region(concept)
    points = np.stack([each.point for each in positions])
    counted = np.where(np.isnan(region.prototype), 0.0, region.weights * view.metric.weights)
    confidences = np.stack(
        [[_confidence(each, view, number) for number in range(len(view.dimensions))] for each in positions]
    )
    shares = confidences @ (counted / counted.sum()) if counted.any() else np.zeros(len(positions))
    scores = typicality(points, region, view.metric) * shares
    order = np.argsort(-scores, kind="stable")[:TYPICAL]
    return [(positions[place], float(scores[place])) for place in order]


def _requested_member(space: Space, view: View) -> MemberPosition | None:
    try:
        memory = UUID(space.page_query.get("memory", ""))  # type: ignore[attr-defined]
        return get_member_position(organisation=space.organisation_id, view=view, memory=memory)
    except (ValueError, LiftosError):
        return None


def _pair(view: View, positions: list[MemberPosition], space: Space) -> tuple[int, int]:
    """Return the two dimensions in the query string, by default the two that most concepts use together.

    Ties go to the dimensions with the most known coordinates and the largest spread.
    """
    points = np.stack([each.point for each in positions])
    informative = []
    for number in range(len(view.dimensions)):
        column = points[:, number][~np.isnan(points[:, number])]
        informative.append(len(column) / len(points) * float(column.std()) if len(column) else 0.0)
    together = np.zeros((len(informative), len(informative)))
    for concept in _concepts(view):
        used = [number for number, each in enumerate(view.dimensions) if each.name in concept.prototype]
        for one in used:
            together[one, [other for other in used if other != one]] += 1
    order = np.argsort(-(together.max(axis=1) + np.asarray(informative)), kind="stable").tolist()
    query: Any = space.page_query  # type: ignore[attr-defined]
    names = [each.name for each in view.dimensions]
    across = names.index(query["x"]) if query.get("x") in names else order[0]
    partners = np.argsort(-(together[across] + np.asarray(informative)), kind="stable").tolist()
    rest = [number for number in partners if number != across] or [across]
    upwards = names.index(query["y"]) if query.get("y") in names else rest[0]
    return across, upwards


def _axes(view: View, pair: tuple[int, int]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return links that choose the map's horizontal and vertical dimension."""
    across, upwards = (view.dimensions[number].name for number in pair)

    def choices(chosen: str, query: Callable[[str], dict[str, str]]) -> list[dict[str, Any]]:
        return [
            {"name": each.name, "query": urlencode(query(each.name)), "is_chosen": each.name == chosen}
            for each in view.dimensions
        ]

    return [
        ("Horizontal", choices(across, lambda name: {"x": name, "y": upwards})),
        ("Vertical", choices(upwards, lambda name: {"x": across, "y": name})),
    ]


def _confidence(position: MemberPosition, view: View, number: int) -> float:
    return position.coordinates[view.dimensions[number].name].confidence


def _text(value: float | str | None) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
