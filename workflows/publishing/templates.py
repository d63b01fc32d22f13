"""Templates: written as drafts, published as numbered immutable versions, retired.

A run keeps the version it started with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from accountability.operations import record
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import find_function, function_names
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.queries import slug_by_id
from liftos.kernel.tenancy.types import Actor
from workflows import queries
from workflows.definition import Definition, dump, load, parse
from workflows.errors import NeedsReview, NothingToPublish, TemplateExists, TemplateRetired
from workflows.models import Policy, Template, TemplateVersion
from workflows.publishing.children import pin_children
from workflows.publishing.credentials import check_secrets
from workflows.types import VersionStatus


def save_draft(
    *, organisation: UUID, by: Actor, payload: Mapping[str, Any], template: UUID | None = None
) -> TemplateVersion:
    """Write a template's next version as a draft, replacing an earlier draft.

    Args:
        organisation: the tenant.
        by: the author.
        payload: `{name, description?, parameters?, steps}`, or the old platform's `{name, tasks}`.
        template: None to create one.

    Raises:
        Faulty: the payload is invalid; with all faults.
        TemplateExists: another template has the name.
        TemplateNotFound, TemplateRetired: the template can't get a new version.
    """
    with observe_operation("workflow.save_template", organisation=str(organisation)):
        definition = parse(payload, functions=find_function, names=function_names)
        check_secrets(slug_by_id(organisation), definition)
        with tenant_transaction(organisation):
            pin_children(organisation=organisation, definition=definition)
            row = _template(organisation, template, definition.name)
            draft = TemplateVersion.objects.filter(
                organisation_id=organisation, template=row, status=VersionStatus.DRAFT
            ).first()
            if draft is None:
                draft = TemplateVersion(
                    organisation_id=organisation, template=row, number=queries.newest_number(row) + 1
                )
            draft.payload, draft.definition = dict(payload), dump(definition)
            draft.author_kind, draft.author_id = str(by.kind), by.id
            draft.save()
            _record(organisation, by, "workflow.save_template", row, draft, "was written as a draft")
    return draft


def _template(organisation: UUID, template: UUID | None, name: str) -> Template:
    if template is None:
        # of two concurrent calls, the second waits for the first and finds its row
        row, created = Template.objects.get_or_create(organisation_id=organisation, name=name)
        if not created:
            raise TemplateExists(f"A template called {name} already exists.", loc=("name",))
        return row
    row = queries.get_template(organisation=organisation, template=template, lock=True)
    if row.retired_at is not None:
        raise TemplateRetired
    if row.name != name:
        if Template.objects.filter(organisation_id=organisation, name=name).exists():
            raise TemplateExists(f"A template called {name} already exists.", loc=("name",))
        row.name = name
        row.save(update_fields=["name"])
    return row


def publish(*, organisation: UUID, by: Actor, template: UUID) -> TemplateVersion:
    """Publish a template's draft as its newest, immutable version, pinning the functions' current versions.

    Raises:
        TemplateNotFound, TemplateRetired: the template can't be published.
        NothingToPublish: it has no draft.
        NeedsReview: the policy requires somebody other than the author to publish.
        Faulty: a function that it calls no longer exists, or its arguments have changed.
    """
    with (
        observe_operation("workflow.publish", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = queries.get_template(organisation=organisation, template=template, lock=True)
        if row.retired_at is not None:
            raise TemplateRetired
        drafts = TemplateVersion.objects.filter(organisation_id=organisation, template=row)
        draft = one_or(NothingToPublish, drafts.filter(status=VersionStatus.DRAFT).select_for_update())
        policy = Policy.objects.filter(organisation_id=organisation).first()
        if (
            policy is not None
            and policy.review_before_publish
            and ((draft.author_kind, draft.author_id) == (str(by.kind), by.id))
        ):
            raise NeedsReview
        definition = _pinned(parse(draft.payload, functions=find_function, names=function_names))
        definition = pin_children(organisation=organisation, definition=definition)
        check_secrets(slug_by_id(organisation), definition)
        draft.definition, draft.status = dump(definition), VersionStatus.PUBLISHED
        draft.published_by, draft.published_at = f"{by.kind}:{by.id}", Now()
        draft.save()
        draft.refresh_from_db(fields=["published_at"])
        _record(organisation, by, "workflow.publish", row, draft, "was published")
    return draft


def _pinned(definition: Definition) -> Definition:
    """Return a definition with its functions' versions pinned."""
    steps = []
    for step in definition.steps:
        function = find_function(step.function, step.version) if step.function else None
        steps.append(replace(step, version=function.version) if function is not None else step)
    return replace(definition, steps=tuple(steps))


def retire(*, organisation: UUID, by: Actor, template: UUID, parents: Sequence[UUID] = ()) -> Template:
    """Retire a template and delete its draft: it starts no new runs; existing runs continue.

    Args:
        organisation: the tenant.
        by: the actor.
        template: its id.
        parents: decisions that this one follows from.

    Raises:
        TemplateNotFound: there is no such template in this organisation.
    """
    with (
        observe_operation("workflow.retire", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = queries.get_template(organisation=organisation, template=template, lock=True)
        if row.retired_at is None:
            row.retired_at = Now()
            row.save(update_fields=["retired_at"])
            row.refresh_from_db(fields=["retired_at"])
            versions = TemplateVersion.objects.filter(organisation_id=organisation, template=row)
            versions.filter(status=VersionStatus.DRAFT)._raw_delete("default")
            versions.filter(status=VersionStatus.PUBLISHED).update(status=VersionStatus.RETIRED)
            record(
                organisation=organisation,
                by=by,
                operation="workflow.retire",
                subject=("workflow_template", str(row.id)),
                reasoning=f"Template {row.name} was retired and starts no new runs.",
                parents=parents,
            )
    return row


def _record(
    organisation: UUID, by: Actor, operation: str, row: Template, version: TemplateVersion, what: str
) -> None:
    definition = load(version.definition)
    record(
        organisation=organisation,
        by=by,
        operation=operation,
        subject=("workflow_template", str(row.id)),
        reasoning=f"Version {version.number} of template {row.name}, {len(definition.steps)} steps, {what}.",
        inputs={"name": row.name, "steps": [step.name for step in definition.steps][:100]},
        outputs={"version": version.number, "version_id": str(version.id), "status": str(version.status)},
        versions={step.function: step.version for step in definition.steps if step.function},
    )
