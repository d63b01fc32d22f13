"""Rows in every workflow table."""

from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember
from memory.types import MemoryDraft
from workflows.models import Mention, Policy, Run, Step, Template, TemplateVersion, Transition

STARTER = {"actor_kind": "system", "actor_id": "test", "correlation_id": "c", "traceparent": "t"}


def make_rows(organisation: UUID, **fields: Any) -> Run:
    """Create a template with a version, and a run with a step; `fields` are the step's."""
    with tenant_transaction(organisation):
        Policy.objects.create(organisation_id=organisation)
        template = Template.objects.create(organisation_id=organisation, name="t")
        version = TemplateVersion.objects.create(
            organisation_id=organisation, template=template, number=1, payload={}, definition={}
        )
        run = make_run(organisation, version=version)
        step = make_step(run, **fields)
        Transition.objects.create(
            organisation_id=organisation, run=run, step=step, after="waiting", at=run.created_at
        )
    memory = remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft("quoted")).id
    with tenant_transaction(organisation):
        Mention.objects.create(organisation_id=organisation, run_id=run.id, memory_id=memory)
    return run


def make_run(organisation: UUID, **fields: Any) -> Run:
    made = new_id()
    values = {"id": made, "code": made.hex[-16:], "name": "t", "decision_id": new_id()} | STARTER | fields
    return Run.objects.create(organisation_id=organisation, **values)


def make_step(run: Run, **fields: Any) -> Step:
    values = {"name": "s", "position": 0} | fields
    return Step.objects.create(organisation_id=run.organisation_id, run=run, **values)
