"""Memories and their indexes.

`MemoryPassage`, `MemoryVector`, `Posting` and `Attribute` are derived from the memory, and written and removed with it. Postings and attributes are
created by SQL (memory/migrations/0002), because Django can't express covering primary keys. They have no foreign keys, because
checking one per word costs more than the insert.
"""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Collate, Now
from pgvector.django import HalfVectorField

from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.analysis.values import is_blank
from memory.types import LINK_KIND, MAX_LINK_KIND, EmbeddingState, TrustState, as_given


class Scoped(models.Model):
    """A row that only those may see who see its scope (liftos.kernel.db.viewers). Derived rows have their memory's."""

    scope_id = models.IntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class Memory(Scoped):
    """A memory, or an earlier text of one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    content = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    memory_type = models.CharField(max_length=100)
    source = models.CharField(max_length=100, blank=True)
    external_id = models.CharField(max_length=300, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    importance = models.FloatField(default=0.5)
    state = models.CharField(max_length=20, default=TrustState.ACTIVE.value)
    embedding = models.CharField(max_length=10, default=EmbeddingState.PENDING.value)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    # the principal that stored it
    owner = models.UUIDField(null=True)
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())
    thread = models.CharField(max_length=300, blank=True, default="", db_default="")
    # relation data for search (docs/retrieval.md), derived on write
    thread_id = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(db_default=Now())
    asks = models.BooleanField(default=False)
    tells_time = models.BooleanField(default=False)
    # ISO 639-1, empty if unknown; of a longer memory each passage has its own
    language = models.CharField(max_length=8, blank=True, default="", db_default="")
    passages = models.PositiveIntegerField(default=1, db_default=1)
    # the content is the JSON of an object
    is_object = models.BooleanField(default=False, db_default=False)
    # totals of its postings, by which removal proves complete
    word_count = models.PositiveIntegerField(default=0)
    term_count = models.PositiveIntegerField(default=0)
    # history (docs/memory-life.md); earlier versions are in MemoryVersion
    version = models.PositiveIntegerField(default=1, db_default=1)
    text_version = models.PositiveIntegerField(default=1, db_default=1)
    changed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    superseded_by = models.UUIDField(null=True)
    value = models.BigIntegerField(null=True)
    # the decision that stored it; a bulk store's record has many memories and no subject
    stored_by = models.UUIDField(null=True)
    # the rejection whose value its first text contained, making it a candidate
    flagged_by = models.UUIDField(null=True)
    # set for an earlier text: the memory it belongs to, found by searches as of that time
    head = models.UUIDField(null=True)

    class Meta:
        verbose_name_plural = "memories"
        constraints = [
            # target of the composite foreign keys of vectors and links
            models.UniqueConstraint(fields=["organisation", "id"], name="memory_of_organisation"),
            models.UniqueConstraint(
                fields=["organisation", "source", "external_id", "scope_id"],
                name="memory_external_id_once",
                condition=~models.Q(external_id=""),
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[each.value for each in TrustState]), name="memory_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(embedding__in=[each.value for each in EmbeddingState]),
                name="memory_embedding_known",
            ),
            models.CheckConstraint(
                condition=models.Q(importance__gte=0, importance__lte=1), name="memory_importance_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_from=None)
                | models.Q(valid_to=None)
                | models.Q(valid_from__lte=models.F("valid_to")),
                name="memory_valid_from_before_to",
            ),
            models.CheckConstraint(
                condition=models.Q(text_version__gte=1, text_version__lte=models.F("version")),
                name="memory_text_no_newer_than_version",
            ),
            models.CheckConstraint(
                condition=models.Q(head=None) | models.Q(external_id=""),
                name="memory_earlier_text_has_no_origin",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "memory_type", "id"], name="memory_by_type"),
            models.Index(fields=["organisation", "happened_at", "id"], name="memory_by_time"),
            # for the sweep; nearly always empty
            models.Index(
                fields=["organisation", "id"],
                name="memory_pending",
                condition=models.Q(embedding=EmbeddingState.PENDING.value),
            ),
            # the few memories that a search may have to exclude
            models.Index(
                fields=["organisation", "id"],
                name="memory_not_plain",
                condition=~models.Q(state=TrustState.ACTIVE.value)
                | models.Q(expires_at__isnull=False)
                | models.Q(head__isnull=False)
                | models.Q(embedding=EmbeddingState.NONE.value),
            ),
            models.Index(
                fields=["organisation", "expires_at"],
                name="memory_to_expire",
                condition=models.Q(expires_at__isnull=False),
            ),
            models.Index(
                fields=["organisation", "head"],
                name="memory_by_head",
                condition=models.Q(head__isnull=False),
            ),
            models.Index(
                fields=["organisation", "superseded_by"],
                name="memory_by_successor",
                condition=models.Q(superseded_by__isnull=False),
            ),
            models.Index(fields=["organisation", "value"], name="memory_by_value"),
            # orders of lists (memory/listing)
            models.Index(fields=["organisation", "recorded_at", "id"], name="memory_by_recorded"),
            models.Index(fields=["organisation", "changed_at", "id"], name="memory_by_changed"),
            models.Index(fields=["organisation", "importance", "id"], name="memory_by_importance"),
            models.Index(
                fields=["organisation", "valid_from", "id"],
                name="memory_by_valid_from",
                condition=models.Q(valid_from__isnull=False),
            ),
            models.Index(
                fields=["organisation", "valid_to", "id"],
                name="memory_by_valid_to",
                condition=models.Q(valid_to__isnull=False),
            ),
            # in code point order, so that a prefix is a range
            models.Index("organisation", Collate("source", "C"), "id", name="memory_by_source"),
            models.Index(
                fields=["organisation", "thread", "id"],
                name="memory_by_thread",
                condition=~models.Q(thread=""),
            ),
        ]

    def __str__(self) -> str:
        return self.content if len(self.content) <= 80 else f"{self.content[:79].rstrip()}…"

    @property
    def given_content(self) -> str | dict[str, Any]:
        """The content as its writer gave it."""
        return as_given(self.content, is_object=self.is_object)

    @property
    def is_indexed(self) -> bool:
        """Searches may find it: it was not stored with `index: false`."""
        return self.embedding != EmbeddingState.NONE or is_blank(self.content)


class MemoryPassage(Scoped):
    """A passage of a memory that is too long to be one (memory/analysis/passages.py); a shorter memory has none.

    `start` and `end` are offsets in characters of the memory's text.
    """

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "passage")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="passage_rows", db_constraint=False, db_index=False
    )
    passage = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True)
    heading = models.TextField(blank=True, default="", db_default="")
    language = models.CharField(max_length=8, blank=True, default="", db_default="")

    class Meta:
        db_table = "memory_passage"
        constraints = [
            models.CheckConstraint(condition=models.Q(start__lt=models.F("end")), name="passage_has_text")
        ]

    def __str__(self) -> str:
        return f"passage {self.passage} of {self.memory_id}"


class MemoryVector(Scoped):
    """A vector of a memory's passage under an embedding model; models differ in dimension.

    `passage` is 0 for a memory that is one passage, and WHOLE for the vector of a longer memory as a whole.
    Stored outside the graph index; a worker adds those of large organisations (memory/index/vector_graph.py).
    """

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "model_id", "passage")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    model = models.ForeignKey(EmbeddingModel, on_delete=models.PROTECT, db_index=False)
    passage = models.IntegerField(default=0, db_default=0)
    embedding = HalfVectorField()
    in_graph = models.BooleanField(default=False, db_default=False)

    class Meta:
        # for viewers who see a small share of a large organisation (memory/search/arms/meaning/arm.py)
        indexes = [models.Index(fields=["organisation", "scope_id", "model"], name="vector_by_scope")]

    def __str__(self) -> str:
        return f"vector of {self.memory_id}"


class MemoryLink(Scoped):
    """A typed, directed link; `target` is null until a memory with `target_external_id` is stored."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="links", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=MAX_LINK_KIND)
    target = models.ForeignKey(
        Memory,
        on_delete=models.CASCADE,
        related_name="linked_from",
        null=True,
        db_constraint=False,
        db_index=False,
    )
    target_source = models.CharField(max_length=100, blank=True)
    target_external_id = models.CharField(max_length=300, blank=True)
    weight = models.FloatField(default=1.0)
    properties = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "memory", "kind", "target_source", "target_external_id"],
                name="link_once",
                condition=~models.Q(target_external_id=""),
            ),
            # links by id have no external id
            models.UniqueConstraint(
                fields=["organisation", "memory", "kind", "target"],
                name="link_by_id_once",
                condition=models.Q(target_external_id=""),
            ),
            models.CheckConstraint(condition=models.Q(kind__regex=LINK_KIND), name="link_kind_is_a_name"),
            models.CheckConstraint(
                condition=models.Q(valid_from=None)
                | models.Q(valid_to=None)
                | models.Q(valid_from__lte=models.F("valid_to")),
                name="link_valid_from_before_to",
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=0, weight__lte=1), name="link_weight_is_a_share"
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "target"], name="link_by_target"),
            # links waiting for a new memory's external id
            models.Index(
                fields=["organisation", "target_source", "target_external_id"],
                name="link_waiting",
                condition=models.Q(target=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.memory_id} {self.kind} {self.target_external_id}"

    def holds_at(self, at: datetime) -> bool:
        """Return whether the relation holds at a time, as far as known."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or self.valid_to > at
        )


class Attribute(Scoped):
    """A scalar in a memory's metadata by its path, in the index for filters."""

    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False)
    key = models.TextField()
    text_value = models.TextField(null=True)  # noqa: DJ001  null for numbers
    number_value = models.DecimalField(null=True, max_digits=1000, decimal_places=500)

    class Meta:
        managed = False
        db_table = "memory_attribute"

    def __str__(self) -> str:
        return self.key


class Entity(Scoped):
    """An entity of a memory (memory/analysis/entities.py), in an index like the postings."""

    pk = models.CompositePrimaryKey("organisation_id", "key", "memory_id")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    key = models.TextField(db_collation="C")
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.CharField(max_length=20)

    class Meta:
        verbose_name_plural = "entities"
        indexes = [models.Index(fields=["organisation", "memory"], name="entity_by_memory")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Thread(Scoped):
    """A session, conversation or document (memory/analysis/threads.py) by scope; deleted with its last member."""

    pk = models.CompositePrimaryKey("organisation_id", "id", "scope_id")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    id = models.BigIntegerField()
    members = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"thread {self.id} of {self.members}"


class CorpusCounter(Scoped):
    """A part of a scope's counts of passages (BM25's documents), memories, words and threads.

    The connection chooses one of sixteen parts, because all writers to a single row would wait for each other's commit.
    """

    pk = models.CompositePrimaryKey("organisation_id", "scope_id", "part")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    part = models.SmallIntegerField()
    documents = models.BigIntegerField(default=0)
    memories = models.BigIntegerField(default=0, db_default=0)
    words = models.BigIntegerField(default=0)
    threads = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"part {self.part}"
