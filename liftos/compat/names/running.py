"""How the old platform's names have the engine carry out a run, so many steps at a time."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from liftos.compat.shapes.workflows import status_out
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Principal
from workflows import queries
from workflows.engine.waiting import wait_for
from workflows.operations import start
from workflows.publishing.templates import publish, save_draft
from workflows.types import RunStatus


def publish_if_new(principal: Principal, payload: dict[str, Any]) -> None:
    """Publish a template in an organisation, unless its newest published version is this very one."""
    organisation = principal.organisation
    with tenant_transaction(organisation):
        known = {each.name: each for each in queries.list_templates(organisation=organisation, limit=10_000)}
        row = known.get(payload["name"])
        if row is not None:
            newest = queries.published_version(organisation=organisation, template=row, number=None)
            if newest.payload == payload:
                return
        draft = save_draft(
            organisation=organisation,
            by=principal.actor,
            payload=payload,
            template=row.id if row is not None else None,
        )
        publish(organisation=organisation, by=principal.actor, template=draft.template_id)


def start_run(
    principal: Principal,
    template: str,
    parameters: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    hint: bool = False,
) -> UUID:
    """Start a run; `hint` wakes workers for it, where this process will not carry it out itself."""
    started = start(
        principal=principal,
        template=template,
        parameters=dict(parameters),
        metadata=dict(metadata),
        hint=hint,
    )
    return started.id


def finish(principal: Principal, run: UUID | None, *, at_once: int, seconds: float) -> RunStatus:
    """Carry out a run's steps, at most `at_once` of them at a time; return its status when it has ended or time is up.

    What is left then goes on while this process lives: there may be no worker, and none that knows this process's own functions.
    """
    assert run is not None  # noqa: S101  it was started
    return wait_for(
        organisation=principal.organisation, run=run, seconds=seconds, go_on=True, at_once=at_once
    )


def status_of(principal: Principal, run: UUID) -> dict[str, Any]:
    """Return a run's status in the old platform's form."""
    with tenant_transaction(principal.organisation):
        row = queries.get_run(organisation=principal.organisation, run=run)
        steps = queries.list_steps(run=row, items=True)
    return status_out(principal, row, steps)
