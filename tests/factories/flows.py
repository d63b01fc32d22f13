"""Templates and runs for engine tests, and functions that log their calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, register, unregister
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from workflows.models import Run, Step, Transition
from workflows.operations import start
from workflows.publishing.templates import publish, save_draft
from workflows.queries import get_run


def step(name: str, function: str = "test.echo", /, **fields: Any) -> dict[str, Any]:
    if function == "test.echo" and "arguments" not in fields:
        fields["arguments"] = {"value": name}
    return {"name": name, "function": function} | fields


def principal(organisation: UUID, scopes: Any = ALL_SCOPES) -> Principal:
    return Principal(organisation, "solo", SYSTEM, frozenset(scopes))


def make_template(organisation: UUID, *steps: dict[str, Any], name: str = "flow", **fields: Any) -> UUID:
    payload = {"name": name, "steps": list(steps)} | fields
    draft = save_draft(organisation=organisation, by=SYSTEM, payload=payload)
    publish(organisation=organisation, by=SYSTEM, template=draft.template_id)
    return draft.template_id


def run_steps(
    organisation: UUID, *steps: dict[str, Any], wait: float = 20.0, given: Any = None, **fields: Any
) -> Run:
    make_template(organisation, *steps, **fields)
    return run_again(organisation, wait=wait, given=given)


def run_again(
    organisation: UUID, *, name: str = "flow", wait: float = 20.0, given: Any = None, **more: Any
) -> Run:
    run = start(principal=principal(organisation), template=name, parameters=given, wait=wait, **more)
    return read_run(organisation, run)


def read_run(organisation: UUID, run: UUID) -> Run:
    with tenant_transaction(organisation):
        return get_run(organisation=organisation, run=run)


def steps_of(run: Run) -> dict[str, Step]:
    with tenant_transaction(run.organisation_id):
        rows = Step.objects.filter(organisation_id=run.organisation_id, run=run).order_by("position", "item")
        return {row.name if row.item < 0 else f"{row.name}.{row.item}": row for row in rows}


def statuses(run: Run) -> dict[str, str]:
    return {name: row.status for name, row in steps_of(run).items()}


def history(run: Run, name: str | None = None) -> list[tuple[str, str]]:
    with tenant_transaction(run.organisation_id):
        rows = Transition.objects.filter(organisation_id=run.organisation_id, run=run).order_by("id")
        rows = rows.filter(step=None) if name is None else rows.filter(step=steps_of(run)[name])
        return [(row.before, row.after) for row in rows]


class Calls(list[Any]):
    """Arguments of the test functions' calls, in order."""


@contextmanager
def registered_functions() -> Iterator[Calls]:
    calls = Calls()

    @register("test.echo", outside=True)
    def echo(value: Any = None) -> Any:
        calls.append(value)
        return value

    @register("test.fail")
    def fail(error: str = "OSError", times: int = 1_000, call: Call | None = None) -> str:
        calls.append("fail")
        if calls.count("fail") <= times:
            raise {"OSError": OSError, "TypeError": TypeError}[error]("it broke")
        return "mended"

    @register("test.context")
    def context(context: Any) -> Any:
        return context

    @register("test.key")
    def key(call: Call) -> str:
        calls.append(call.key)
        return call.key

    yield calls
    for name in ("echo", "fail", "context", "key"):
        unregister(f"test.{name}")
