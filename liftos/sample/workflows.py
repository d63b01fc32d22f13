"""The sample organisation's workflows: marketing templates, the original platform's, and a few runs."""

from typing import Any

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from workflows.marketing import TEMPLATES, read_template
from workflows.models import Template
from workflows.operations import start
from workflows.publishing.templates import publish, save_draft

OLD_TEMPLATE = {
    "name": "enhanced_search_workflow",
    "tasks": [
        {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0},
    ],
}
WAIT_SECONDS = 30.0
# the hygiene run stops for approval, so that there is one to try in the admin
RUNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("weekly_insight_digest", {}),
    (
        "weekly_insight_digest",
        {"memory_types": ["competitor", "feedback"], "title": "Customers and rivals", "limit": 6},
    ),
    ("enhanced_search_workflow", {"query": "what should we pay for our own brand name", "limit": 3}),
    ("memory_hygiene", {}),
)


def ensure_workflows(organisation: Organisation) -> None:
    """Publish missing templates, and execute their sample runs in this thread."""
    principal = Principal(organisation.id, organisation.slug, SYSTEM, ALL_SCOPES)
    made = set()
    for payload in (*map(read_template, TEMPLATES), OLD_TEMPLATE):
        with tenant_transaction(organisation.id):
            if Template.objects.filter(organisation_id=organisation.id, name=payload["name"]).exists():
                continue
            draft = save_draft(organisation=organisation.id, by=SYSTEM, payload=payload)
            publish(organisation=organisation.id, by=SYSTEM, template=draft.template_id)
        made.add(payload["name"])
    for template, parameters in RUNS:
        if template in made:
            start(principal=principal, template=template, parameters=parameters, wait=WAIT_SECONDS)
