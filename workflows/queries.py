"""Reads of templates and runs, inside the caller's tenant transaction."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q

from workflows.errors import NotPublished, RunNotFound, TemplateNotFound, TemplateRetired
from workflows.models import Run, Step, Template, TemplateVersion
from workflows.types import ENDED_RUN, NOT_AN_ITEM, RunStatus, VersionStatus


def get_template(*, organisation: UUID, template: UUID, lock: bool = False) -> Template:
    """Return a template.

    Raises:
        TemplateNotFound: there is none in this organisation.
    """
    rows = Template.objects.filter(organisation_id=organisation, id=template)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise TemplateNotFound
    return row


def find_template(*, organisation: UUID, name: str) -> Template:
    """Return a template by its name, or by its id as text.

    Raises:
        TemplateNotFound: there is none in this organisation.
    """
    which = Q(name=name)
    with suppress(ValueError):
        which |= Q(id=UUID(name))
    row = Template.objects.filter(which, organisation_id=organisation).order_by("id").first()
    if row is None:
        raise TemplateNotFound(f"There is no template {name[:100]}.", loc=("template",))
    return row


def list_templates(*, organisation: UUID, limit: int, before: UUID | None = None) -> list[Template]:
    """Return templates, newest first; the id is the cursor."""
    rows = Template.objects.filter(organisation_id=organisation).order_by("-id")
    return list((rows if before is None else rows.filter(id__lt=before))[:limit])


def list_versions(*, organisation: UUID, template: UUID) -> list[TemplateVersion]:
    """Return a template's versions, newest first."""
    return list(
        TemplateVersion.objects.filter(organisation_id=organisation, template_id=template).order_by("-number")
    )


def newest_number(template: Template) -> int:
    """Return the number of a template's newest version; 0 for none."""
    rows = TemplateVersion.objects.filter(organisation_id=template.organisation_id, template=template)
    return rows.aggregate(newest=Max("number"))["newest"] or 0


def published_version(
    *, organisation: UUID, template: Template, number: int | None = None
) -> TemplateVersion:
    """Return the version that a new run follows: the newest published one, or the one of a number.

    Raises:
        TemplateRetired: the template is.
        NotPublished: it has none, or not that one.
    """
    if template.retired_at is not None:
        raise TemplateRetired(loc=("template",))
    rows = TemplateVersion.objects.filter(
        organisation_id=organisation, template=template, status=VersionStatus.PUBLISHED
    ).order_by("-number")
    row = (rows if number is None else rows.filter(number=number)).first()
    if row is None:
        raise NotPublished(
            f"Template {template.name} has no published version" + (f" {number}." if number else "."),
            loc=("template",) if number is None else ("version",),
        )
    return row


def get_run(*, organisation: UUID, run: UUID, lock: bool = False) -> Run:
    """Return a run.

    Args:
        organisation: whose.
        run: its id.
        lock: keep others from ending its steps until the transaction does.

    Raises:
        RunNotFound: there is none in this organisation.
    """
    rows = Run.objects.filter(organisation_id=organisation, id=run)
    row = (rows.select_for_update(no_key=True) if lock else rows).first()
    if row is None:
        raise RunNotFound
    return row


def get_run_by_code(*, organisation: UUID, code: str) -> Run:
    """Return a run by the end of its id. See `get_run`."""
    row = Run.objects.filter(organisation_id=organisation, code=code).first()
    if row is None:
        raise RunNotFound
    return row


def version_of(*, run: Run) -> TemplateVersion | None:
    """Return the version that a run follows; None for a run without one."""
    if run.version_id is None:
        return None
    return TemplateVersion.objects.filter(organisation_id=run.organisation_id, id=run.version_id).first()


def list_runs(
    *,
    organisation: UUID,
    limit: int,
    before: UUID | None = None,
    status: str = "",
    template: UUID | None = None,
) -> list[Run]:
    """Return runs, newest first; the id is the cursor."""
    rows = Run.objects.filter(organisation_id=organisation).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if status:
        rows = rows.filter(status=status)
        if status not in [str(each) for each in ENDED_RUN]:
            rows = rows.filter(status__in=[RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED])
    if template is not None:
        rows = rows.filter(version__template_id=template, version__organisation_id=organisation)
    return list(rows[:limit])


def list_steps(*, run: Run, items: bool = False) -> list[Step]:
    """Return a run's steps in the order in which they were written.

    Args:
        run: whose.
        items: those of maps too, each after its step.
    """
    rows = Step.objects.filter(organisation_id=run.organisation_id, run=run).order_by("position", "item")
    return list(rows if items else rows.filter(item=NOT_AN_ITEM))


@dataclass(frozen=True, slots=True)
class Totals:
    """An organisation's runs."""

    runs: int
    active: int


def count_runs(*, organisation: UUID) -> Totals:
    """Return how many runs there are, and how many have not ended."""
    rows = Run.objects.filter(organisation_id=organisation)
    return Totals(rows.count(), rows.filter(status__in=[RunStatus.RUNNING, RunStatus.PAUSED]).count())


def list_organisations_with_work() -> list[UUID]:
    """Return the organisations in which steps are ready, due, or lost. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_workflow_work()")
        return [row[0] for row in cursor.fetchall()]


def list_organisations_with_runs_ended_before(moment: datetime) -> list[UUID]:
    """Return the organisations whose oldest ended runs are older. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT organisation_id FROM liftos_organisations_with_runs_ended_before(%s)", [moment]
        )
        return [row[0] for row in cursor.fetchall()]
