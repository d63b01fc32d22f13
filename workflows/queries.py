"""Reads of templates and runs, inside the caller's tenant transaction."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.suggestions import MAX_COMPARED, suggestion
from workflows.errors import NotPublished, RunNotFound, TemplateNotFound, TemplateRetired
from workflows.models import Run, Step, Template, TemplateVersion
from workflows.statements import COUNT_EXECUTIONS, FIND_VERSION
from workflows.types import ENDED_RUN, NOT_AN_ITEM, RunStatus


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
        raise _no_template(organisation, name)
    return row


def _no_template(organisation: UUID, name: str, others: Sequence[str] = ()) -> TemplateNotFound:
    """Return the error for a template that is not there, with the name that is most like it."""
    rows = Template.objects.filter(organisation_id=organisation).order_by("-id")
    meant = suggestion(name, [*others, *rows.values_list("name", flat=True)[:MAX_COMPARED]], ".")
    return TemplateNotFound(f"There is no template {name[:100]}{meant}", loc=("template",))


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
    """Return a version with all that it says. See `find_version`, which is what starting a run asks."""
    chosen = find_version(organisation=organisation, name=str(template.id), number=number)
    return TemplateVersion.objects.get(organisation_id=organisation, id=chosen.id)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that a run will follow."""

    id: UUID
    number: int


def find_version(
    *, organisation: UUID, name: str, number: int | None = None, others: Sequence[str] = ()
) -> Chosen:
    """Return the version that a new run follows: the newest published one, or the one of a number.

    Args:
        organisation: whose.
        name: of the template, or its id.
        number: of the version; None for the newest.
        others: names that would be taken too, for messages.

    Raises:
        TemplateNotFound: there is no such template in this organisation.
        TemplateRetired: it is.
        NotPublished: it has no published version, or not that one.
    """
    ident = None
    with suppress(ValueError):
        ident = UUID(name)
    values = {"organisation": organisation, "name": name, "id": ident, "number": number}
    row = raw_cursor().execute(FIND_VERSION, values).fetchone()
    if row is None:
        raise _no_template(organisation, name, others)
    if row[1]:
        raise TemplateRetired(loc=("template",))
    if row[2] is None:
        missing = "." if number is None else f" {number}."
        raise NotPublished(
            f"Template {row[0]} has no published version{missing}",
            loc=("template",) if number is None else ("version",),
        )
    return Chosen(row[2], row[3])


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
    """Return how many runs there are, and how many are running or paused; one without steps is neither."""
    rows = Run.objects.filter(organisation_id=organisation)
    return Totals(rows.count(), rows.filter(status__in=[RunStatus.RUNNING, RunStatus.PAUSED]).count())


@dataclass(frozen=True, slots=True)
class Executions:
    """How often steps called their functions, and how long the last call of each took, on average."""

    count: int
    average_ms: float


def count_executions(*, organisation: UUID) -> Executions:
    """Return the executions of an organisation's kept runs, by whichever process; 100,000 steps take about 60 ms."""
    row = raw_cursor().execute(COUNT_EXECUTIONS, {"organisation": organisation}).fetchone()
    return Executions(*row) if row is not None else Executions(0, 0.0)


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
