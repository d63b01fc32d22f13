"""Templates that come with the product: each organisation can run them by name; the first run publishes its copy.

From then on the copy is the organisation's own: to be read, replaced by a version of its own, retired.
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
        "description": "Search memories for each of several queries; results stand in their order.",
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
NAMES = (*_OLD, *marketing.TEMPLATES)
AUTHOR = Actor(ActorKind.SYSTEM, "shipped")


def shipped_template(name: str) -> dict[str, Any] | None:
    """Return the payload of a template that comes with the product; None if there is none of the name."""
    if name in _OLD:
        return dict(_OLD[name])
    return marketing.read_template(name) if name in marketing.TEMPLATES else None


def publish_shipped(*, organisation: UUID, by: Actor, name: str) -> bool:
    """Publish an organisation's copy of a template that comes with the product; return whether there is one to run.

    Args:
        organisation: whose.
        by: who wants to run it, and so publishes what others wrote.
        name: of the template.
    """
    payload = shipped_template(name)
    if payload is None:
        return False
    # two first runs at once: the second waits for the first, and finds its copy
    with suppress(TemplateExists), tenant_transaction(organisation):
        if not Template.objects.filter(organisation_id=organisation, name=name).exists():
            draft = save_draft(organisation=organisation, by=AUTHOR, payload=payload)
            publish(organisation=organisation, by=by, template=draft.template_id)
    return True
