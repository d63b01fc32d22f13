"""Running workflows on the engine for the old platform's names."""

from typing import Any
from uuid import UUID

from liftos.compat.shapes.workflows import status_out
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Principal
from workflows import queries
from workflows.engine.waiting import wait_for
from workflows.models import TemplateVersion
from workflows.publishing.templates import publish, save_draft
from workflows.types import RunStatus


def publish_if_new(principal: Principal, payload: dict[str, Any]) -> None:
    """Publish a template in an organisation, unless its newest published version is identical."""
    organisation = principal.organisation
    with tenant_transaction(organisation):
        known = {each.name: each for each in queries.list_templates(organisation=organisation, limit=10_000)}
        row = known.get(payload["name"])
        if row is not None:
            newest, _ = queries.find_version(organisation=organisation, name=str(row.id))
            if TemplateVersion.objects.get(organisation_id=organisation, id=newest).payload == payload:
                return
        draft = save_draft(
            organisation=organisation,
            by=principal.actor,
            payload=payload,
            template=row.id if row is not None else None,
        )
        publish(organisation=organisation, by=principal.actor, template=draft.template_id)


def finish(principal: Principal, run: UUID | None, *, at_once: int, seconds: float) -> RunStatus:
    """Execute a run's steps, at most `at_once` in parallel; return its status when it has ended or time is up.

    Remaining steps are executed for as long as this process lives: only this process knows its own functions, and there may
    be no worker.
    """
    assert run is not None  # noqa: S101  it was started
    return wait_for(
        organisation=principal.organisation, run=run, seconds=seconds, keep_executing=True, at_once=at_once
    )


def status_of(principal: Principal, run: UUID) -> dict[str, Any]:
    """Return a run's status in the old platform's form."""
    with tenant_transaction(principal.organisation):
        row = queries.get_run(organisation=principal.organisation, run=run)
        steps = queries.list_steps(run=row, items=True)
    return status_out(principal, row, steps)
