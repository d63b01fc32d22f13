"""Templates, their runs, the runs' steps, and every change of state of these.

The foreign keys within are made by hand, with the organisation in them (migration 0002): a plain one would take another's id.
"""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from workflows.types import NOT_AN_ITEM, Priority, RunStatus, StepStatus, VersionStatus


def _organisation() -> models.ForeignKey:
    # no foreign key in the database: every row would lock the organisation's (row security checks it)
    return models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)


def _words(field: str, words: type[StrEnum], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [str(each) for each in words]}), name=name)


class Policy(models.Model):
    """What an organisation has decided about its workflows; without a row, the settings' defaults hold."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True
    )
    review_before_publish = models.BooleanField(
        default=False, help_text="A version is published by somebody else than who wrote it."
    )
    concurrency = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Steps that may be carried out at once; empty for the default."
    )

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(concurrency=None) | Q(concurrency__gte=1), name="policy_lets_a_step_run"
            )
        ]

    def __str__(self) -> str:
        return f"policy of {self.organisation_id}"


class Template(models.Model):
    """A workflow by name. Its newest published version is what a new run follows."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = _organisation()
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="template_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "name"], name="template_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """What a template says; a trigger keeps what is published as it is.

    Attributes:
        payload: the template as it was sent.
        definition: the same as it was read (workflows.definition); publishing fixes the functions' versions in it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = _organisation()
    template = models.ForeignKey(
        Template, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="versions"
    )
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, default=VersionStatus.DRAFT)
    payload = models.JSONField()
    definition = models.JSONField()
    author_kind = models.CharField(max_length=20)
    author_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_by = models.CharField(max_length=221, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="version_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "template", "number"], name="version_by_number"),
            models.UniqueConstraint(
                fields=["organisation", "template"], name="version_one_draft", condition=Q(status="draft")
            ),
            _words("status", VersionStatus, "version_status_known"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}, {self.status}"


class Run(models.Model):
    """One carrying-out of a version, or of nothing yet (the old platform's `/workflows/create`).

    Attributes:
        code: the last 16 hex digits of the id; with the organisation's slug it is the old platform's workflow id.
        scopes: what the caller was allowed when it started the run; its steps are allowed no more.
        parties: who resumed it or ran it again, in order: kind, id, on_behalf_of.
        open_steps: steps of the definition that have not ended.
        failed_steps: steps of the definition that failed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = _organisation()
    code = models.CharField(max_length=16, editable=False)
    name = models.CharField(max_length=200)
    version = models.ForeignKey(
        TemplateVersion, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    status = models.CharField(max_length=10, default=RunStatus.PENDING)
    parameters = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    # the statements that write runs leave it out
    parties = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    correlation_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    open_steps = models.IntegerField(default=0)
    failed_steps = models.IntegerField(default=0)
    decision_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="run_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "code"], name="run_by_code"),
            models.CheckConstraint(condition=Q(open_steps__gte=0, failed_steps__gte=0), name="run_counts"),
            _words("status", RunStatus, "run_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=["completed", "failed", "cancelled"], finished_at__isnull=False)
                | Q(status__in=["pending", "running", "paused"], finished_at=None),
                name="run_ended_has_an_end",
            ),
        ]
        indexes = [
            # few of an organisation's runs are active; lists by status ask for these
            models.Index(
                fields=["organisation", "id"],
                name="run_active",
                condition=Q(status__in=["pending", "running", "paused"]),
            ),
            models.Index(fields=["organisation", "version"], name="run_by_version"),
            # what the removal of old runs looks for, across organisations
            models.Index(fields=["finished_at"], name="run_by_end", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """A step of a run, or one item of a step that maps over a list.

    Attributes:
        item: its number in the list, -1 for a step of the definition.
        value: the list's element.
        function: with version, `memory.search@1`; empty where nothing is called.
        waiting_on: dependencies that have not ended; of a map's items, not looked at.
        open_items: of a map, items that have not ended.
        attempt: how often it was claimed; the number of a claim fences what earlier ones still do.
        retries: how often it failed and was tried again.
        lost: how often its worker was not heard of again.
        token: names the claim; who completes must know it.
        run_at: when it became ready, or when it is due again, by the database's clock.
        approval: who let it go on, and why.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = _organisation()
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="steps"
    )
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField()
    item = models.IntegerField(default=NOT_AN_ITEM)
    value = models.JSONField(null=True)
    function = models.CharField(max_length=130, blank=True)
    priority = models.PositiveSmallIntegerField(default=Priority.NORMAL)
    status = models.CharField(max_length=20, default=StepStatus.WAITING)
    waiting_on = models.IntegerField(default=0)
    open_items = models.IntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    token = models.UUIDField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    run_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    approval = models.JSONField(null=True)
    decision_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="step_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "run", "name", "item"], name="step_once"),
            _words("status", StepStatus, "step_status_known"),
            models.CheckConstraint(
                condition=Q(priority__gte=1, priority__lte=5), name="step_priority_of_five"
            ),
            models.CheckConstraint(condition=Q(waiting_on__gte=0, open_items__gte=0), name="step_counts"),
            models.CheckConstraint(
                condition=Q(token=None, lease_until=None)
                | Q(token__isnull=False, lease_until__isnull=False, status="running"),
                name="step_claimed_while_running",
            ),
        ]
        indexes = [
            # what a claim looks for: the organisation's most urgent, oldest ready step
            models.Index(
                fields=["organisation", "priority", "run_at", "id"],
                name="step_ready",
                condition=Q(status="ready"),
            ),
            # what counts against an organisation's limit, and what the reaper looks for
            models.Index(
                fields=["organisation", "lease_until"], name="step_live", condition=Q(token__isnull=False)
            ),
            models.Index(
                fields=["organisation", "run_at"], name="step_due", condition=Q(status="retry_wait")
            ),
            models.Index(
                fields=["organisation", "id"],
                name="step_needs_a_person",
                condition=Q(status="awaiting_approval"),
            ),
            models.Index(fields=["organisation", "id"], name="step_failed", condition=Q(status="failed")),
        ]

    def __str__(self) -> str:
        return self.name if self.item == NOT_AN_ITEM else f"{self.name} [{self.item}]"


class Transition(models.Model):
    """A change of state of a run, or of one of its steps. Insert-only; it goes with its run."""

    id = models.BigAutoField(primary_key=True)
    organisation = _organisation()
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="transitions"
    )
    step = models.ForeignKey(
        Step, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20)
    attempt = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    worker = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organisation", "run", "id"], name="transition_in_order")]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class Mention(models.Model):
    """A run's results quote this memory: erasure looks here."""

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "run_id")
    organisation = _organisation()
    memory_id = models.UUIDField()
    run_id = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.run_id} quotes {self.memory_id}"
