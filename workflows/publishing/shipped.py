"""Templates shipped with the product. An organisation runs them by name; the first run publishes its own copy.

The copy is an ordinary template: it can be read, replaced by a new version, or retired.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Actor, ActorKind
from workflows import marketing
from workflows.errors import TemplateExists
from workflows.models import Template
from workflows.publishing.templates import publish, save_draft

_OLD: dict[str, dict[str, Any]] = {
    "enhanced_search": {
        "name": "enhanced_search",
        "description": "Search memories.",
        "tasks": [
            {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0}
        ],
    },
    "batch_processing": {
        "name": "batch_processing",
        "description": "Search memories for each of several queries; results are in the queries' order.",
        "tasks": [
            {
                "name": "search_memory",
                "function": "memory.search_many",
                "priority": 3,
                "timeout_seconds": 60.0,
            }
        ],
    },
}
_CARE = {
    "memory_care": ("Propose doubles, superseded, stale and contradicted memories.", None),
    "find_doubles": ("Propose to supersede memories that say the same as an earlier one.", "double"),
    "find_superseded": ("Propose to supersede memories whose value a later one replaces.", "supersession"),
    "find_stale": ("Propose to expire memories that no longer hold.", "stale"),
    "find_contradictions": (
        "Propose to contest memories that another contradicts by a link.",
        "contradiction",
    ),
}


def _care_template(name: str) -> dict[str, Any]:
    description, kind = _CARE[name]
    arguments = {"limit": "{limit}"} | ({"kinds": [kind]} if kind else {})
    return {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {"limit": {"type": "integer", "default": 20_000, "minimum": 1, "maximum": 20_000}},
        },
        "steps": [
            {
                "name": "care",
                "function": "memory.care",
                "arguments": arguments,
                "timeout_seconds": 3600,
                "priority": 5,
            }
        ],
    }


NAMES = (*_OLD, *_CARE, *marketing.TEMPLATES)
AUTHOR = Actor(ActorKind.SYSTEM, "shipped")


def shipped_template(name: str) -> dict[str, Any] | None:
    """Return the payload of a shipped template; None if there is none with this name."""
    if name in _OLD:
        return dict(_OLD[name])
    if name in _CARE:
        return _care_template(name)
    return marketing.read_template(name) if name in marketing.TEMPLATES else None


def publish_shipped(*, organisation: UUID, by: Actor, name: str) -> bool:
    """Publish an organisation's copy of a shipped template, if it has none; return whether the name is a shipped template's.

    Args:
        organisation: the tenant.
        by: the publisher: whoever runs it first.
        name: of the template.
    """
    payload = shipped_template(name)
    if payload is None:
        return False
    # of two concurrent first runs, the second waits for the first and finds its copy
    with suppress(TemplateExists), tenant_transaction(organisation):
        if not Template.objects.filter(organisation_id=organisation, name=name).exists():
            draft = save_draft(organisation=organisation, by=AUTHOR, payload=payload)
            publish(organisation=organisation, by=by, template=draft.template_id)
    return True
