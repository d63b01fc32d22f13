"""Changes of triggers; each is a decision, in the same transaction."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import read_value, tenant_transaction
from liftos.kernel.errors import InvalidInput, LiftosError, PermissionDenied
from liftos.kernel.outbox.catalogue import event_types, unknown_patterns
from liftos.kernel.outbox.statements import READ_LAST
from liftos.kernel.suggestions import unknown
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal, Scope
from memory.search.filters import parse_filters
from spaces.query.membership import check_region
from workflows.definition.references import references
from workflows.engine.runs import load_plan
from workflows.engine.starting import require_scopes
from workflows.errors import TriggerExists
from workflows.models import Firing, Trigger
from workflows.publishing.shipped import NAMES as SHIPPED
from workflows.queries import find_version
from workflows.triggers.conditions import TriggerConditions, read_conditions
from workflows.triggers.queries import get_trigger

ROOTS = ("event", "memory")
MOST = {"per_minute": 10_000, "max_depth": 20}
FIELDS = ("name", "event", "conditions", "template", "parameters", "per_minute", "max_depth")


@dataclass(frozen=True, slots=True)
class TriggerDraft:
    """A trigger as its owner wants it."""

    name: str
    event: str
    template: str
    conditions: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    per_minute: int = 60
    max_depth: int = 3


def create_trigger(*, principal: Principal, draft: TriggerDraft) -> Trigger:
    """Create a trigger, which has its creator's authority and fires from now on.

    Raises:
        TriggerExists: the name is taken.
        LiftosError: see `check_draft`.
    """
    organisation = principal.organisation
    with _observed("create", organisation), tenant_transaction(organisation):
        check_draft(principal, draft)
        row = Trigger(organisation_id=organisation, since=read_value(READ_LAST, [organisation]) or 0)
        _write(row, principal, draft)
        row.refresh_from_db()
        _record(principal, row, "create", f"Created: {row.event} starts {row.template}.")
    return row


def change_trigger(*, principal: Principal, trigger: UUID, changes: dict[str, Any]) -> Trigger:
    """Change a trigger. From now on it has the authority of whoever changed it.

    Raises:
        TriggerNotFound: there is none in this organisation.
        TriggerExists, LiftosError: as for `create_trigger`.
    """
    organisation = principal.organisation
    with _observed("change", organisation), tenant_transaction(organisation):
        row = get_trigger(organisation=organisation, trigger=trigger, lock=True)
        draft = TriggerDraft(**{name: changes.get(name, getattr(row, name)) for name in FIELDS})
        check_draft(principal, draft)
        _write(row, principal, draft)
        _record(principal, row, "change", f"Changed: {', '.join(sorted(changes))}.")
    return row


def delete_trigger(*, principal: Principal, trigger: UUID) -> None:
    """Delete a trigger and the list of its firings; their runs and decisions stay.

    Raises:
        TriggerNotFound: there is none in this organisation.
    """
    organisation = principal.organisation
    with _observed("delete", organisation), tenant_transaction(organisation):
        row = get_trigger(organisation=organisation, trigger=trigger, lock=True)
        _record(principal, row, "delete", "It was deleted.")
        Firing.objects.filter(organisation_id=organisation, trigger_id=row.id).delete()
        row.delete()


def set_paused(*, principal: Principal, trigger: UUID, paused: bool) -> Trigger:
    """Pause a trigger, or resume it: events in between do not fire it. Without a change, nothing is recorded.

    Raises:
        TriggerNotFound: there is none in this organisation.
    """
    organisation, verb = principal.organisation, "pause" if paused else "resume"
    with _observed(verb, organisation), tenant_transaction(organisation):
        row = get_trigger(organisation=organisation, trigger=trigger, lock=True)
        if (row.paused_at is not None) != paused:
            row.paused_at = timezone.now() if paused else None
            if not paused:
                row.since = read_value(READ_LAST, [organisation]) or 0
            row.save(update_fields=["paused_at", "since"])
            _record(principal, row, verb, "Paused." if paused else "Resumed.")
    return row


def check_draft(principal: Principal, draft: TriggerDraft) -> TriggerConditions:
    """Check a trigger before it is written; inside a tenant transaction.

    Raises:
        InvalidInput: the event type, a condition or a reference is unknown; `loc` names it.
        TemplateNotFound, TemplateRetired, NotPublished: there is no version to run.
        PermissionDenied: the caller may not start the template's runs.
    """
    if unknown_patterns([draft.event]):
        raise InvalidInput(unknown("event type", draft.event, event_types()), loc=("event",))
    conditions = read_conditions(draft.conditions)
    try:
        parse_filters(conditions.filters)
        if conditions.space is not None:
            check_region(
                organisation=principal.organisation,
                space=conditions.space,
                concept=conditions.concept,
                dimensions=conditions.position or {},
            )
    except LiftosError as error:
        raise InvalidInput(error.message, loc=("conditions", *(error.loc or ("space",)))) from error
    for name, most in MOST.items():
        if not 1 <= getattr(draft, name) <= most:
            raise InvalidInput(f"{name} must be from 1 to {most}.", loc=(name,))
    for at, reference in references(draft.parameters):
        if reference.name not in ROOTS or reference.kind != "parameter":
            raise InvalidInput(
                f"{{{reference.text}}} names neither event nor memory.", loc=("parameters", *at)
            )
    if not principal.may(Scope.WORKFLOWS_RUN):
        raise PermissionDenied(f"A trigger starts runs, which needs the scope {Scope.WORKFLOWS_RUN}.")
    if draft.template not in SHIPPED:
        version, _ = find_version(organisation=principal.organisation, name=draft.template, others=SHIPPED)
        require_scopes(principal, load_plan(principal.organisation, version))
    return conditions


def _write(row: Trigger, principal: Principal, draft: TriggerDraft) -> None:
    for name in FIELDS:
        setattr(row, name, getattr(draft, name))
    row.owner_kind, row.owner_id = str(principal.actor.kind), principal.actor.id
    row.acts_as, row.groups = principal.viewer.principal, principal.viewer.listed_groups
    row.scopes = sorted(str(each) for each in principal.scopes)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise TriggerExists(loc=("name",)) from error


def _observed(verb: str, organisation: UUID) -> Any:
    return observe_operation(f"trigger.{verb}", organisation=str(organisation))


def _record(principal: Principal, row: Trigger, verb: str, reasoning: str) -> None:
    record(
        organisation=principal.organisation,
        by=principal.actor,
        operation=f"trigger.{verb}",
        effect=Effect.DELETE if verb == "delete" else Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("workflow_trigger", str(row.id)),
        reasoning=f"{row.name}. {reasoning}",
        inputs={"event": row.event, "template": row.template, "conditions": sorted(row.conditions)},
    )
