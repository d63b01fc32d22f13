"""Fields that the pages of a decision and of its review share."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accountability.admin.chain_diagram import draw_chain
from accountability.admin.review_parts import decision_page
from accountability.decisions.chains import get_chain
from accountability.errors import DecisionNotFound
from accountability.models import DecisionRecord
from liftos.kernel.admin.parts import ReadOnly, as_text, drawn_as, drawn_once, table

_ERASED = "erased"


def in_organisation(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return the rows of the open organisation, all without one.

    Row security enforces the same, but as a value it tells the planner how many rows to expect.
    """
    organisation = getattr(request, "organisation", None)
    return rows if organisation is None else rows.filter(organisation_id=organisation.id)


class DecisionFields(ReadOnly):
    """The fields that show a decision's payload and chain; `record_of` says whose."""

    def record_of(self, row: Any) -> DecisionRecord:
        return row

    def reasoning(self, row: Any) -> str:
        return _payload_of(self.record_of(row)).get("reasoning", _ERASED)

    @drawn_once
    def inputs(self, row: Any) -> SafeString:
        return as_text(_payload_of(self.record_of(row)).get("inputs", _ERASED))

    @drawn_as("Memories used")
    def receipt(self, row: Any) -> SafeString | str:
        payload = _payload_of(self.record_of(row))
        return draw_receipt(payload["memories"]) if payload else _ERASED

    @drawn_once
    def outputs(self, row: Any) -> SafeString:
        return as_text(_payload_of(self.record_of(row)).get("outputs", _ERASED))

    @drawn_as("Alternatives rejected")
    def alternatives(self, row: Any) -> SafeString:
        return as_text(_payload_of(self.record_of(row)).get("alternatives", _ERASED))

    @drawn_once
    def chain(self, row: Any) -> SafeString | str:
        record = self.record_of(row)
        try:
            steps = get_chain(organisation=record.organisation_id, decision=record.pk, limit=50)
        except DecisionNotFound:
            return "-"
        return draw_chain(steps, decision_page)


def _payload_of(record: DecisionRecord) -> dict[str, Any]:
    try:
        return record.payload.values
    except ObjectDoesNotExist:  # erased
        return {}


def draw_receipt(memories: list[dict[str, Any]]) -> SafeString | str:
    """Return the memories used as a table, linked to their pages where there are any."""
    rows = [
        (
            _memory(str(used.get("id", ""))),
            "" if used.get("score") is None else f"{used['score']:.4f}",
            used.get("version") or "",
            ", ".join(f"{name} {value:.4f}" for name, value in used.get("terms", {}).items()),
        )
        for used in memories
    ]
    return (
        table(("memory", "score", "version", "score terms"), rows, label="Memories used") if rows else "none"
    )


def _memory(memory: str) -> SafeString | str:
    try:
        # the page belongs to an app above this one, which may not be imported here
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:memory_memory_change", args=[memory]), memory
        )
    except NoReverseMatch:
        return memory
