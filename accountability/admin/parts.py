"""What several pages of accountability show: payloads and the memories used."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accountability.models import DecisionRecord
from liftos.kernel.admin.parts import table

ERASED = "erased"


def payload_of(record: DecisionRecord) -> dict[str, Any]:
    """Return what the record says beside its facts; nothing once that has been erased."""
    try:
        return record.payload.values
    except ObjectDoesNotExist:
        return {}


def draw_receipt(memories: list[dict[str, Any]]) -> SafeString | str:
    """Return the memories used as a table; each leads to its page where there is one."""
    rows = [
        (
            _memory(str(used.get("id", ""))),
            "" if used.get("score") is None else f"{used['score']:.4f}",
            used.get("version") or "",
            ", ".join(f"{name} {value:.4f}" for name, value in used.get("terms", {}).items()),
        )
        for used in memories
    ]
    return table(("memory", "score", "version", "made of"), rows, label="Memories used") if rows else "none"


def _memory(memory: str) -> SafeString | str:
    try:
        # an app above this one draws that page: its address is all that is known of it here
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:memory_memory_change", args=[memory]), memory
        )
    except NoReverseMatch:
        return memory
