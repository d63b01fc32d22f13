"""Spaces in the admin: a map, a memory beside a concept, the dimension report. They are made and changed by the API and commands."""

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
from liftos.kernel.admin.parts import ReadOnly, UncountedPaginator, drawn_once, table
from liftos.kernel.errors import LiftosError
from spaces.geometry.metric import typicality
from spaces.models import Concept, ConceptRelation, Space
from spaces.queries import View, get_view, list_concepts
from spaces.query.questions import Standing, get_standing, list_standings, shown
from spaces.reports.diagrams import Area, Point, draw_map, draw_radar
from spaces.reports.dimensions import make_report

# the newest so many members are drawn, and ranked by concept
DRAWN = 500
TYPICAL = 5


class RelationInline(ReadOnly, TabularInline):
    model = ConceptRelation
    fk_name = "space"
    fields = readonly_fields = ("source", "kind", "target", "weight")
    verbose_name_plural = "relations between concepts"
    extra = 0


@admin.register(Space)
class SpaceAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "version", "holds_all", "is_default", "updated_at")
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    inlines = (RelationInline,)
    fields = readonly_fields = (
        "description", "map", "radar", "concepts", "report", "version", "holds_all", "created_at", "updated_at",
    )  # fmt: skip

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        space = super().get_object(request, object_id, from_field)
        if space is not None:
            # the page's own questions: which two dimensions, which memory beside which concept
            space.asked = request.GET
            space.prepared_report = getattr(request, "prepared_report", None)
        return space

    def prepare_page(self, request: HttpRequest, match: ResolverMatch) -> None:
        """Make the report of a space: it embeds labelled examples."""
        if match.url_name != "spaces_space_change" or not self.has_view_permission(request):
            return
        try:
            space = UUID(match.kwargs["object_id"])
            report: Any = make_report(organisation=opened(request).id, space=space)
        except ValueError:
            return  # the page says that there is no such space
        except LiftosError as error:
            report = error
        request.prepared_report = report  # type: ignore[attr-defined]

    @admin.display(description="Map")
    @drawn_once
    def map(self, space: Space) -> SafeString | str:
        """Two dimensions, concepts as regions and memories as points; any other two by a link."""
        view, standings = _seen(space)
        if view is None or not standings:
            return "No member has its place yet."
        pair = _pair(view, standings, space)
        across, upwards = pair
        points = [
            Point(
                each.point[across], each.point[upwards], min(_sure(each, view, number) for number in pair),
                each.content, reverse("admin:memory_memory_change", args=[each.memory]),
            )
            for each in standings
            if not np.isnan(each.point[list(pair)]).any()
        ]  # fmt: skip
        picture = draw_map(
            points=points,
            areas=[Area(each.name, view.region(each)) for each in _concepts(view)],
            metric=view.metric,
            across=(across, view.dimensions[across].name),
            upwards=(upwards, view.dimensions[upwards].name),
        )
        missing = len(standings) - len(points)
        note = f"The newest {len(standings)} members; the fuller a point, the surer its place." + (
            f" {missing} of them are unknown on one of the two." if missing else ""
        )
        return render_to_string(
            "spaces/map_page.html", {"picture": picture, "note": note, "axes": _axes(view, pair)}
        )

    @admin.display(description="A memory beside a concept")
    @drawn_once
    def radar(self, space: Space) -> SafeString | str:
        """The memory and the concept that the address names, or the most typical of the first concept."""
        view, standings = _seen(space)
        concepts = _concepts(view) if view is not None else []
        if view is None or not concepts or not standings:
            return "-"
        wanted = space.asked.get("concept", "")  # type: ignore[attr-defined]
        concept = next((each for each in concepts if str(each.id) == wanted), concepts[0])
        standing = _named(space, view) or _typical(view, concept, standings)[0][0]
        region = view.region(concept)
        picture = draw_radar(
            names=[each.name for each in view.dimensions],
            memory=standing.point,
            concept=region.prototype,
            concept_name=concept.name,
            weights=region.weights * view.metric.weights,
        )
        figure = float(typicality(standing.point[np.newaxis], region, view.metric)[0])
        page = reverse("admin:memory_memory_change", args=[standing.memory])
        return format_html(
            '{}<p><a href="{}">{}</a></p><p>typical of {} by {}</p>',
            picture, page, standing.content[:200], concept.name, f"{figure:.2f}",
        )  # fmt: skip

    @admin.display(description="Concepts")
    @drawn_once
    def concepts(self, space: Space) -> SafeString | str:
        """Each concept with where it lies and its most typical members; each leads to the radar of both."""
        view, standings = _seen(space)
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
                        "typicality": f"{figure:.2f}",
                        "text": each.content[:120],
                    }
                    for each, figure in _typical(view, concept, standings)
                ],
            }
            for concept in found
        ]
        return render_to_string("spaces/concepts.html", {"concepts": concepts})

    @admin.display(description="Dimensions")
    @drawn_once
    def report(self, space: Space) -> SafeString | str:
        """What the dimensions are worth, with warnings of useless ones."""
        prepared = space.prepared_report  # type: ignore[attr-defined]
        if prepared is None or isinstance(prepared, LiftosError):
            return prepared.message if prepared else "-"
        view, reports = prepared
        titles = ("dimension", "by", "weight", "known", "poles apart", "Spearman", "most like", "warnings")
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
class ConceptAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "space", "radius", "updated_at")
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    fields = (
        "name",
        "space",
        "description",
        "prototype",
        "weights",
        "radius",
        "examples",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Concept]:
        return super().get_queryset(request).select_related("space")


def _seen(space: Space) -> tuple[View | None, list[Standing]]:
    """Return the space and its newest members, read once a page; no view while its positions are being made."""
    found = getattr(space, "seen", None)
    if found is None:
        try:
            view = get_view(organisation=space.organisation_id, space=space.pk)
            found = view, list_standings(organisation=space.organisation_id, view=view, limit=DRAWN)
        except LiftosError:
            found = None, []
        space.seen = found  # type: ignore[attr-defined]
    return found


def _concepts(view: View) -> list[Concept]:
    return list_concepts(organisation=view.space.organisation_id, space=view.space.pk)


def _typical(view: View, concept: Concept, standings: list[Standing]) -> list[tuple[Standing, float]]:
    """Return the members most typical of a concept, each dimension counting as far as it is sure, best first."""
    region = view.region(concept)
    points = np.stack([each.point for each in standings])
    counted = np.where(np.isnan(region.prototype), 0.0, region.weights * view.metric.weights)
    sure = np.stack(
        [[_sure(each, view, number) for number in range(len(view.dimensions))] for each in standings]
    )
    shares = sure @ (counted / counted.sum()) if counted.any() else np.zeros(len(standings))
    figures = typicality(points, region, view.metric) * shares
    order = np.argsort(-figures, kind="stable")[:TYPICAL]
    return [(standings[place], float(figures[place])) for place in order]


def _named(space: Space, view: View) -> Standing | None:
    try:
        memory = UUID(space.asked.get("memory", ""))  # type: ignore[attr-defined]
        return get_standing(organisation=space.organisation_id, view=view, memory=memory)
    except (ValueError, LiftosError):
        return None


def _pair(view: View, standings: list[Standing], space: Space) -> tuple[int, int]:
    """Return the two dimensions that the address names, or the two that most concepts speak of.

    Where several are spoken of alike, those on which most is known and members differ most.
    """
    points = np.stack([each.point for each in standings])
    worth = []
    for number in range(len(view.dimensions)):
        column = points[:, number][~np.isnan(points[:, number])]
        worth.append(len(column) / len(points) * float(column.std()) if len(column) else 0.0)
    together = np.zeros((len(worth), len(worth)))
    for concept in _concepts(view):
        said = [number for number, each in enumerate(view.dimensions) if each.name in concept.prototype]
        for one in said:
            together[one, [other for other in said if other != one]] += 1
    spoken = together.max(axis=1) + np.asarray(worth)
    order = np.argsort(-spoken, kind="stable").tolist()
    asked: Any = space.asked  # type: ignore[attr-defined]
    names = [each.name for each in view.dimensions]
    across = names.index(asked["x"]) if asked.get("x") in names else order[0]
    beside = together[across] + np.asarray(worth)
    rest = [number for number in np.argsort(-beside, kind="stable").tolist() if number != across] or [across]
    upwards = names.index(asked["y"]) if asked.get("y") in names else rest[0]
    return across, upwards


def _axes(view: View, pair: tuple[int, int]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return links to the map of every other dimension, across and upwards."""
    across, upwards = (view.dimensions[number].name for number in pair)

    def choices(chosen: str, query: Callable[[str], dict[str, str]]) -> list[dict[str, Any]]:
        return [
            {"name": each.name, "query": urlencode(query(each.name)), "is_chosen": each.name == chosen}
            for each in view.dimensions
        ]

    return [
        ("Across", choices(across, lambda name: {"x": name, "y": upwards})),
        ("Upwards", choices(upwards, lambda name: {"x": across, "y": name})),
    ]


def _sure(standing: Standing, view: View, number: int) -> float:
    return standing.coordinates[view.dimensions[number].name].confidence


def _text(value: float | str | None) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
