"""Spaces, their versions and what is in them.

A version says what the dimensions are; a *layout* is where the members stand. Versions that differ in weights or names alone
share a layout, so that a change of weights moves nobody. `Position` is an index, made from memories and written and removed with
them; it is made by SQL (spaces/migrations/0002), because of its transaction number.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.models import Memory
from spaces.types import LayoutState, RelationKind


class Space(models.Model):
    """A conceptual space of an organisation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    # what makes two names the same
    name_key = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # every living memory is a member, without being added
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


class Layout(models.Model):
    """Where the members of a space stand, by one description of its dimensions.

    `axes` holds for each dimension with poles its direction and scale (spaces/placement/layouts.py), `found` how they were come by.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    state = models.CharField(max_length=10, default=LayoutState.BUILDING.value)
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False
    )
    axes = models.BinaryField(default=bytes)
    found = models.JSONField(default=dict)
    # texts that the axes were scaled on, and of how many: of the space's members, and of the organisation
    sample = models.PositiveIntegerField(default=0)
    own = models.PositiveIntegerField(default=0, db_default=0)
    around = models.PositiveIntegerField(default=0, db_default=0)
    # the scale is to be made anew: its texts have become many more or fewer, or an example is gone
    outgrown = models.BooleanField(default=False, db_default=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # where the background work goes on
    cursor = models.UUIDField(null=True)
    # the layout whose place it takes when it is ready: a scale made anew, or another embedding model
    replaces = models.UUIDField(null=True)
    # the number of the transaction that began it: what older ones store may be missing
    begun_in = models.BigIntegerField()
    # nothing that was stored while it was made is missing
    checked = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="layout_of_organisation"),
            models.CheckConstraint(
                condition=models.Q(state__in=[each.value for each in LayoutState]), name="layout_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "space"], name="layout_by_space"),
            # a worker asks only for what waits
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

    def __str__(self) -> str:
        return f"positions {self.state}, {self.done} of {self.total}"


class SpaceVersion(models.Model):
    """What the dimensions of a space are from one change to the next."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
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


class SpaceDimension(models.Model):
    """A dimension of one version of a space, as it was described (spaces.types.Dimension)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
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
    """A memory's membership of a space, and the coordinates that somebody gave it there."""

    pk = models.CompositePrimaryKey("organisation_id", "space_id", "memory_id")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    # dimension's name to value in its units
    given = models.JSONField(default=dict)
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["organisation", "memory"], name="member_by_memory")]

    def __str__(self) -> str:
        return f"{self.memory_id} in {self.space_id}"


class Concept(models.Model):
    """A concept: a prototype and the region round it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    space = models.ForeignKey(
        Space, on_delete=models.DO_NOTHING, related_name="concepts", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # dimension's name to value in its units; to how much it matters
    prototype = models.JSONField(default=dict)
    weights = models.JSONField(default=dict)
    radius = models.FloatField()
    examples = ArrayField(models.UUIDField(), default=list)
    # of one that examples or a text taught something: what was said of it beside them (spaces/concepts/relearning.py), and the layout in
    # which they stood
    given = models.JSONField(null=True)
    placed_in = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # relations point here: both ends lie in one space
            models.UniqueConstraint(fields=["organisation", "space", "id"], name="concept_of_space"),
            models.UniqueConstraint(fields=["organisation", "space", "name_key"], name="concept_name_once"),
            models.CheckConstraint(condition=models.Q(radius__gt=0), name="concept_has_extent"),
        ]

    def __str__(self) -> str:
        return self.name


class ConceptRelation(models.Model):
    """How one concept of a space stands to another."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
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
            models.CheckConstraint(
                condition=models.Q(kind__in=[each.value for each in RelationKind]),
                name="relation_kind_known",
            ),
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
    """Where a memory stands in a layout: values in the dimensions' units, NaN where unknown; an index."""

    pk = models.CompositePrimaryKey("organisation_id", "layout_id", "memory_id")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    layout = models.ForeignKey(Layout, on_delete=models.DO_NOTHING, db_constraint=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False)
    # named as in its table
    coordinates = ArrayField(models.FloatField())
    sources = ArrayField(models.SmallIntegerField())
    confidences = ArrayField(models.FloatField())

    class Meta:
        managed = False
        db_table = "spaces_position"

    def __str__(self) -> str:
        return f"position of {self.memory_id}"
