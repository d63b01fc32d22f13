"""Runs in a person's export."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import read_column, tenant_transaction
from liftos.kernel.erasure.types import Person
from workflows.models import Run, Step
from workflows.statements import RUNS_OF_PERSON

BATCH = 100


def runs_of(organisation: UUID, person: Person) -> Iterator[dict[str, Any]]:
    """Yield the runs that a person started, resumed or reran, oldest first, with their steps. See `memory.ports.Exporter`."""
    with tenant_transaction(organisation):
        ids = read_column(RUNS_OF_PERSON, {"organisation": organisation, **person.values})
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        with tenant_transaction(organisation):
            runs = list(Run.objects.filter(organisation_id=organisation, id__in=some).order_by("id"))
            steps: dict[UUID, list[dict[str, Any]]] = {}
            for step in Step.objects.filter(organisation_id=organisation, run_id__in=some).order_by(
                "position", "item"
            ):
                steps.setdefault(step.run_id, []).append(_step(step))
        for run in runs:
            yield _run(run) | {"steps": steps.get(run.id, [])}


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "name": run.name,
        "status": run.status,
        "parameters": run.parameters,
        "metadata": run.metadata,
        "actor": {"kind": run.actor_kind, "id": run.actor_id, "on_behalf_of": run.on_behalf_of},
        "parties": run.parties,
        "decision_id": str(run.decision_id),
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def _step(step: Step) -> dict[str, Any]:
    same = ("name", "function", "status", "value", "result", "error", "approval")
    return {"id": str(step.id)} | {name: getattr(step, name) for name in same}
