"""Earlier versions, rejected values, erasure receipts, policies, and choices of an organisation."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Scoped
from memory.policy_types import (
    POLICIES,
    REFUSALS,
    REJECTED_INSIDE,
    SECRETS,
    Policy,
    Refuse,
    RejectedInside,
    Secrets,
)
from memory.types import TrustState, as_given


class MemoryVersion(Scoped):
    """An ended version of a memory, and the change that ended it. Never updated; deleted when the memory is erased.

    The current version is the memory's own row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(
        "memory.Memory",
        on_delete=models.CASCADE,
        related_name="versions",
        db_constraint=False,
        db_index=False,
    )
    version = models.PositiveIntegerField()
    content = models.TextField(blank=True)
    is_object = models.BooleanField(default=False, db_default=False)
    metadata = models.JSONField(default=dict)
    memory_type = models.CharField(max_length=100)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    importance = models.FloatField()
    state = models.CharField(max_length=20)
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    superseded_by = models.UUIDField(null=True)
    # when this version was current
    known_from = models.DateTimeField()
    known_to = models.DateTimeField()
    # when the row was inserted, by the database's clock; imports set the times above. Null for rows older than the column
    written_at = models.DateTimeField(null=True)
    # the change that ended it
    operation = models.CharField(max_length=100)
    reason = models.TextField(blank=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    decision_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "memory", "version"], name="version_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=[each.value for each in TrustState]), name="version_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(known_from__lte=models.F("known_to")), name="version_known_from_before_to"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "known_to", "known_from"], name="version_by_time")]

    def __str__(self) -> str:
        return f"version {self.version} of {self.memory_id}"

    @property
    def given_content(self) -> str | dict[str, Any]:
        """The content as its writer gave it."""
        return as_given(self.content, is_object=self.is_object)


class Tombstone(Scoped):
    """The key of a normal form of a value rejected in a scope. Outlives the rejected memory."""

    pk = models.CompositePrimaryKey("organisation_id", "value", "scope_id")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    value = models.BinaryField(max_length=32)
    memory_id = models.UUIDField()
    decision_id = models.UUIDField()
    recorded_at = models.DateTimeField()
    # its trace, to find it inside longer texts (memory/analysis/windows.py); null if not searched for there
    words = models.PositiveSmallIntegerField(null=True)
    lead = models.PositiveSmallIntegerField(null=True)
    trail = models.PositiveSmallIntegerField(null=True)
    anchor = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organisation", "memory_id"], name="tombstone_by_memory")]

    def __str__(self) -> str:
        return f"rejection {self.decision_id}"


class Erasure(Scoped):
    """An erasure receipt: what was removed from where, without the content. Never updated."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    memory_id = models.UUIDField()
    # HMAC of (source, external id), to refuse imports without keeping either
    origin = models.BinaryField(max_length=32, null=True)
    # the decision that stored it, so that its record can be found by the memory's id
    stored_by = models.UUIDField(null=True)
    # the receipt of a joint erasure; null for the receipt itself
    part_of = models.UUIDField(null=True)
    removed = models.JSONField()
    caches = models.JSONField()
    # what was kept, and tables not searched completely
    kept = models.JSONField(default=dict, db_default={})
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    decision_id = models.UUIDField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "memory_id"], name="erasure_once")]
        indexes = [
            models.Index(
                fields=["organisation", "origin"],
                name="erasure_by_origin",
                condition=models.Q(origin__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"erasure of {self.memory_id}"


class OfOrganisation(models.Model):
    """A base for tables with at most one row per organisation."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )

    class Meta:
        abstract = True


class ChosenPolicy(OfOrganisation):
    """A base for single-choice policies (memory/policies.py)."""

    policy = models.CharField(max_length=20)

    class Meta:
        abstract = True


class DerivedPolicy(ChosenPolicy):
    """The policy for derived memories; contest by default."""

    policy = models.CharField(
        max_length=20,
        default=Policy.CONTEST.value,
        choices=[(each.value, text) for each, text in POLICIES.items()],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(policy__in=[each.value for each in Policy]), name="derived_policy_known"
            )
        ]
        verbose_name = "policy for derived memories"
        verbose_name_plural = "policy for derived memories"

    def __str__(self) -> str:
        return "Policy for derived memories"


class ErasurePolicy(OfOrganisation):
    """The policy for erasures."""

    scrub_quotes = models.BooleanField(
        default=True,
        help_text="Delete payloads of decisions that quote an erased text, even if they name no memory.",
    )
    refuse_erased_ids = models.CharField(
        max_length=20,
        default=Refuse.IMPORT.value,
        choices=[(each.value, text) for each, text in REFUSALS.items()],
        help_text="Where external ids of erased memories are refused.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(refuse_erased_ids__in=[each.value for each in Refuse]),
                name="erasure_policy_known",
            )
        ]
        verbose_name = "policy for erasures"
        verbose_name_plural = "policy for erasures"

    def __str__(self) -> str:
        return "Policy for erasures"


class RejectionPolicy(ChosenPolicy):
    """The policy for texts that contain a rejected value; flag by default."""

    policy = models.CharField(
        max_length=20,
        default=RejectedInside.FLAG.value,
        choices=[(each.value, text) for each, text in REJECTED_INSIDE.items()],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(policy__in=[each.value for each in RejectedInside]),
                name="rejection_policy_known",
            )
        ]
        verbose_name = "policy for rejected values in texts"
        verbose_name_plural = "policy for rejected values in texts"

    def __str__(self) -> str:
        return "Policy for rejected values in texts"


class SecretsPolicy(ChosenPolicy):
    """The policy for secrets in what is stored; allow by default."""

    policy = models.CharField(
        max_length=20,
        default=Secrets.ALLOW.value,
        choices=[(each.value, text) for each, text in SECRETS.items()],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(policy__in=[each.value for each in Secrets]), name="secrets_policy_known"
            )
        ]
        verbose_name = "policy for secrets"
        verbose_name_plural = "policy for secrets"

    def __str__(self) -> str:
        return "Policy for secrets"


class Context(models.Model):
    """An organisation's context, opened and closed by callers of the old platform; memories do not depend on it."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    domain = models.CharField(max_length=100)
    initialised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"context of {self.organisation_id}"


class ModelChoice(models.Model):
    """An organisation's embedding model, set with its first vectors and by `reembed` (memory/index/embeddings.py).

    `former` are the numbers of the models that it used before.
    """

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    model = models.ForeignKey(EmbeddingModel, on_delete=models.PROTECT, db_index=False)
    former = ArrayField(models.SmallIntegerField(), default=list, db_default=[])
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"model {self.model_id}"


class IndexState(models.Model):
    """The version of the analyser that an organisation's index of words has, and how far its rebuild is (memory/reindexing.py).

    `target` and `after` are of a rebuild under way: the analyser to come, and the last memory that has it.
    """

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    analyser = models.CharField(max_length=40)
    target = models.CharField(max_length=40)
    after = models.UUIDField(null=True)
    rewritten = models.PositiveBigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"index by {self.analyser or 'an earlier version'}"
