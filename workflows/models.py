"""Templates, runs, steps and their state transitions.

The foreign keys between them are composite and include the organisation (migration 0002): a plain one would accept another
organisation's id.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from liftos.kernel.db.constraints import known_values
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import Organisation, OwnedRow, organisation_key
from workflows.types import (
    NOT_AN_ITEM,
    CatchUp,
    FiringState,
    Overlap,
    Priority,
    RunStatus,
    StepStatus,
    TickState,
    VersionStatus,
)


class Policy(models.Model):
    """An organisation's workflow policy; without a row, the defaults in the settings apply."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True
    )
    review_before_publish = models.BooleanField(
        default=False, help_text="A version must be published by somebody other than its author."
    )
    concurrency = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Maximum number of steps running at once; empty for the default."
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


class Template(OwnedRow):
    """A named workflow. New runs follow its newest published version."""

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


class TemplateVersion(OwnedRow):
    """A version of a template; a trigger makes published versions immutable.

    Attributes:
        payload: the template as sent by the author.
        definition: the payload as parsed by workflows.definition; publishing pins the functions' versions.
    """

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
            known_values("status", VersionStatus, "version_status_known"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}, {self.status}"


class Run(OwnedRow):
    """One execution of a version, or an empty run (the old platform's `/workflows/create`).

    Attributes:
        code: the last 16 hex digits of the id; with the organisation's slug, the old platform's workflow id.
        scopes: the caller's scopes when the run was started; its steps never get more.
        parties: the actors that resumed or reran it, in order: kind, id, on_behalf_of.
        open_steps: steps of the definition that have not ended.
        failed_steps: steps of the definition that failed.
        principal_id: whom the starter acted as.
        parent_id: the run whose step started it.
        parent_step_id: that step, or item.
        depth: the number of runs above it.
        groups: those that its token stated; None if the stored memberships count.
        scope_id: who may read the run, its steps and its history.
    """

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
    # the INSERT statements omit this column
    parties = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    correlation_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    open_steps = models.IntegerField(default=0)
    failed_steps = models.IntegerField(default=0)
    decision_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    principal_id = models.UUIDField(null=True, editable=False)
    parent_id = models.UUIDField(null=True, editable=False)
    parent_step_id = models.UUIDField(null=True, editable=False)
    depth = models.IntegerField(db_default=0, editable=False)
    groups = ArrayField(models.UUIDField(), null=True, editable=False)
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="run_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "code"], name="run_by_code"),
            models.CheckConstraint(condition=Q(open_steps__gte=0, failed_steps__gte=0), name="run_counts"),
            known_values("status", RunStatus, "run_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=["completed", "failed", "cancelled"], finished_at__isnull=False)
                | Q(status__in=["pending", "running", "paused"], finished_at=None),
                name="run_ended_has_an_end",
            ),
        ]
        indexes = [
            # lists by status mostly ask for active runs, which are few
            models.Index(
                fields=["organisation", "id"],
                name="run_active",
                condition=Q(status__in=["pending", "running", "paused"]),
            ),
            models.Index(fields=["organisation", "version"], name="run_by_version"),
            models.Index(
                fields=["organisation", "parent_id"],
                name="run_by_parent",
                condition=Q(parent_id__isnull=False),
            ),
            # for retention, across organisations
            models.Index(fields=["finished_at"], name="run_by_end", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Step(OwnedRow):
    """A step of a run, or one item of a step that maps over a list.

    Attributes:
        item: index in the mapped list; -1 for a step of the definition.
        value: the mapped list's element.
        function: with version, `memory.search@1`; empty if the step calls nothing.
        waiting_on: dependencies that have not ended; unused for map items.
        open_items: for a map, items that have not ended.
        attempt: number of claims so far; it fences earlier claims.
        retries: number of retries after failures.
        lost: number of times its worker disappeared.
        token: identifies the current claim; required to complete the step.
        run_at: when it became ready or is due again, by the database's clock.
        approval: the reviewer and the reason.
    """

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
    # the run's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="step_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "run", "name", "item"], name="step_once"),
            known_values("status", StepStatus, "step_status_known"),
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
            # for claims: the organisation's most urgent, oldest ready step
            models.Index(
                fields=["organisation", "priority", "run_at", "id"],
                name="step_ready",
                condition=Q(status="ready"),
            ),
            # for the organisation's concurrency limit, and for the reaper
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
    """A state transition of a run or one of its steps. Insert-only; deleted with its run."""

    id = models.BigAutoField(primary_key=True)
    organisation = organisation_key()
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
    # the run's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        indexes = [models.Index(fields=["organisation", "run", "id"], name="transition_in_order")]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class Mention(models.Model):
    """A memory that a run's results quote; used by erasure."""

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "run_id")
    organisation = organisation_key()
    memory_id = models.UUIDField()
    run_id = models.UUIDField()


class Trigger(OwnedRow):
    """A rule that starts a template's run when an event arrives, with the authority of whoever last changed it."""

    name = models.CharField(max_length=200)
    event = models.CharField(max_length=100)
    conditions = models.JSONField(default=dict)
    template = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)
    per_minute = models.IntegerField(default=60)
    max_depth = models.IntegerField(default=3)
    owner_kind = models.CharField(max_length=20, editable=False)
    owner_id = models.CharField(max_length=200, editable=False)
    acts_as = models.UUIDField(null=True, editable=False)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), editable=False)
    # events up to this number do not fire it
    since = models.BigIntegerField(default=0, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="trigger_name_once")]

    def __str__(self) -> str:
        return self.name


class Firing(OwnedRow):
    """A trigger and an event that meets its conditions, once; the run that it started, or why it started none."""

    trigger = models.ForeignKey(
        Trigger, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="firings"
    )
    event_id = models.UUIDField()
    type = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    # how many firings caused it, one after another
    depth = models.IntegerField(default=0)
    # of the run, by which its events tell that it caused them
    correlation_id = models.CharField(max_length=128)
    state = models.CharField(max_length=20, default=FiringState.PENDING.value)
    reason = models.CharField(max_length=300, blank=True, db_default="")
    run_id = models.UUIDField(null=True)
    decision_id = models.UUIDField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())
    fired_at = models.DateTimeField(null=True)
    # the event's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "trigger", "id"], name="firing_in_order"),
            models.Index(fields=["organisation", "id"], condition=Q(state="pending"), name="firing_pending"),
            models.Index(fields=["organisation", "correlation_id"], name="firing_by_correlation"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "trigger", "event_id"], name="firing_once"),
            known_values("state", FiringState, "firing_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class Schedule(OwnedRow):
    """A rule that starts a template's run at times of a cron expression, with the authority of whoever last changed it.

    Attributes:
        jitter_seconds: a tick's run starts up to so much later, the same for a tick wherever it is computed.
        next_at: the next tick that is not a row yet; null while paused, and if there is none.
    """

    name = models.CharField(max_length=200)
    cron = models.CharField(max_length=100)
    timezone = models.CharField(max_length=64, default="UTC")
    template = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)
    overlap = models.CharField(
        max_length=10, default=Overlap.SKIP.value, choices=[(each.value, each.value) for each in Overlap]
    )
    catch_up = models.CharField(
        max_length=10, default=CatchUp.LATEST.value, choices=[(each.value, each.value) for each in CatchUp]
    )
    jitter_seconds = models.IntegerField(default=0)
    owner_kind = models.CharField(max_length=20, editable=False)
    owner_id = models.CharField(max_length=200, editable=False)
    acts_as = models.UUIDField(null=True, editable=False)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), editable=False)
    next_at = models.DateTimeField(null=True, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="schedule_name_once"),
            known_values("overlap", Overlap, "schedule_overlap_known"),
            known_values("catch_up", CatchUp, "schedule_catch_up_known"),
            models.CheckConstraint(
                condition=Q(jitter_seconds__gte=0, jitter_seconds__lte=86_400),
                name="schedule_jitter_of_a_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "next_at"], condition=Q(next_at__isnull=False), name="schedule_due"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Tick(OwnedRow):
    """A time of a schedule, once; the run that it started, or why it started none.

    Attributes:
        due_at: the time.
        run_at: with the jitter.
        in_turn: of the past, by a backfill or a catch-up: such runs start one after another.
        missed: ticks that a downtime left out, this one included.
    """

    schedule = models.ForeignKey(
        Schedule, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="ticks"
    )
    due_at = models.DateTimeField()
    run_at = models.DateTimeField()
    in_turn = models.BooleanField(default=False)
    state = models.CharField(max_length=20, default=TickState.PENDING.value)
    reason = models.CharField(max_length=300, blank=True, db_default="")
    missed = models.IntegerField(db_default=0)
    run_id = models.UUIDField(null=True)
    decision_id = models.UUIDField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["organisation", "run_at"], condition=Q(state="pending"), name="tick_pending"
            ),
            models.Index(fields=["organisation", "run_id"], name="tick_by_run"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "schedule", "due_at"], name="tick_once"),
            known_values("state", TickState, "tick_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M}"
