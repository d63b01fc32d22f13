"""Spaces, their versions, layouts, members, concepts and positions.

A version defines the dimensions; a *layout* holds the members' positions. Versions that differ only in weights or names share a
layout, so changing weights moves no member. `Position` is an index derived from memories; its table is created by SQL
(spaces/migrations/0002), because it stores the writing transaction's number.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.constraints import known_values
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.tenancy.models import Organisation, OwnedRow, organisation_key
from memory.models import Memory
from spaces.types import LayoutState, RelationKind


class Space(OwnedRow):
    """A conceptual space of an organisation."""

    name = models.CharField(max_length=200)
    # casefolded
    name_key = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # every living memory is a member
    holds_all = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    # the newest version, whether or not its positions are ready
    version = models.PositiveIntegerField(default=1)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="space_of_organisation"),
            models.UniqueConstraint(fields=["organisation", "name_key"], name="space_name_once"),
            models.UniqueConstraint(
                fields=["organisation"], name="space_default_once", condition=models.Q(is_default=True)
            ),
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(holds_all=True),
                name="space_default_holds_all",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Layout(OwnedRow):
    """The members' positions under one definition of the dimensions.

    `axes` holds the directions of the dimensions with poles, `found` their scales (spaces/placement/axes.py).
    """

    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    state = models.CharField(max_length=10, default=LayoutState.BUILDING.value)
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False
    )
    axes = models.BinaryField(default=bytes)
    found = models.JSONField(default=dict)
    # number of texts the axes were scaled on, out of the members' (own) and the organisation's (around)
    sample = models.PositiveIntegerField(default=0)
    own = models.PositiveIntegerField(default=0, db_default=0)
    around = models.PositiveIntegerField(default=0, db_default=0)
    # the scale must be recomputed: the number of texts changed too much, or an example was erased
    outgrown = models.BooleanField(default=False, db_default=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # the last memory placed by the background work
    cursor = models.UUIDField(null=True)
    # the layout it replaces when ready, after a new scale or embedding model
    replaces = models.UUIDField(null=True)
    # the number of the transaction that began it: memories stored by older ones may be missing
    begun_in = models.BigIntegerField()
    # no memory stored while it was being built is missing
    checked = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="layout_of_organisation"),
            known_values("state", LayoutState, "layout_state_known"),
        ]
        indexes = [
            models.Index(fields=["organisation", "space"], name="layout_by_space"),
            # for workers: layouts to build or check
            models.Index(
                fields=["organisation", "id"],
                name="layout_waiting",
                condition=models.Q(checked=False) & ~models.Q(state=LayoutState.DROPPED.value),
            ),
            models.Index(
                fields=["organisation"],
                name="layout_outgrown",
                condition=models.Q(outgrown=True) & ~models.Q(state=LayoutState.DROPPED.value),
            ),
        ]


class SpaceVersion(OwnedRow):
    """A version of a space: its dimensions between two changes."""

    space = models.ForeignKey(
        Space, on_delete=models.DO_NOTHING, related_name="versions", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField()
    layout = models.ForeignKey(Layout, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    decision_id = models.UUIDField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "space", "number"], name="space_version_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="space_version_from_1"),
        ]
        indexes = [models.Index(fields=["organisation", "layout"], name="space_version_by_layout")]

    def __str__(self) -> str:
        return f"version {self.number}"


class SpaceDimension(OwnedRow):
    """A dimension of one version of a space. See `spaces.types.Dimension`."""

    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    version = models.PositiveIntegerField()
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    unit = models.CharField(max_length=50, blank=True)
    low = ArrayField(models.TextField(), default=list)
    high = ArrayField(models.TextField(), default=list)
    low_memories = ArrayField(models.UUIDField(), default=list)
    high_memories = ArrayField(models.UUIDField(), default=list)
    # [{"value": …, "text": …} or {"value": …, "memory_id": …}]
    examples = models.JSONField(default=list)
    field = models.CharField(max_length=200, blank=True)
    scale = models.CharField(max_length=10)
    range_low = models.FloatField()
    range_high = models.FloatField()
    levels = ArrayField(models.CharField(max_length=100), default=list)
    weight = models.FloatField()
    domain = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "space", "version", "place"], name="dimension_place_once"
            ),
            models.CheckConstraint(condition=models.Q(weight__gte=0), name="dimension_weight_not_negative"),
            models.CheckConstraint(
                condition=models.Q(range_low__lt=models.F("range_high")), name="dimension_range_rises"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A memory's membership in a space, with explicit coordinates."""

    pk = models.CompositePrimaryKey("organisation_id", "space_id", "memory_id")
    organisation = organisation_key()
    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    # dimension name to value in its units
    given = models.JSONField(default=dict)
    added_at = models.DateTimeField(db_default=Now())
    # the memory's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        indexes = [models.Index(fields=["organisation", "memory"], name="member_by_memory")]


class Concept(OwnedRow):
    """A concept: a prototype and the region around it."""

    space = models.ForeignKey(
        Space, on_delete=models.DO_NOTHING, related_name="concepts", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # dimension name to value in its units, and to weight
    prototype = models.JSONField(default=dict)
    weights = models.JSONField(default=dict)
    radius = models.FloatField()
    examples = ArrayField(models.UUIDField(), default=list)
    # of a concept learnt from examples or a text: the rest of its draft (spaces/concepts/relearning.py), and the layout it was placed in
    given = models.JSONField(null=True)
    placed_in = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # referenced by relations, so that both ends are in one space
            models.UniqueConstraint(fields=["organisation", "space", "id"], name="concept_of_space"),
            models.UniqueConstraint(fields=["organisation", "space", "name_key"], name="concept_name_once"),
            models.CheckConstraint(condition=models.Q(radius__gt=0), name="concept_has_extent"),
        ]

    def __str__(self) -> str:
        return self.name


class ConceptRelation(OwnedRow):
    """A relation between two concepts of a space."""

    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    source = models.ForeignKey(
        Concept, on_delete=models.DO_NOTHING, related_name="relations", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=20)
    target = models.ForeignKey(
        Concept, on_delete=models.DO_NOTHING, related_name="related_from", db_constraint=False, db_index=False
    )
    weight = models.FloatField(default=1.0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "space", "source", "kind", "target"], name="relation_once"
            ),
            known_values("kind", RelationKind, "relation_kind_known"),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="relation_between_two"
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=0, weight__lte=1), name="relation_weight_is_a_share"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "target"], name="relation_by_target")]

    def __str__(self) -> str:
        return self.kind


class Position(models.Model):
    """A memory's position in a layout, an index: values in the dimensions' units, NaN where unknown."""

    pk = models.CompositePrimaryKey("organisation_id", "layout_id", "memory_id")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    layout = models.ForeignKey(Layout, on_delete=models.DO_NOTHING, db_constraint=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False)
    coordinates = ArrayField(models.FloatField())
    sources = ArrayField(models.SmallIntegerField())
    confidences = ArrayField(models.FloatField())
    # the memory's
    scope_id = models.IntegerField()

    class Meta:
        managed = False
        db_table = "spaces_position"
