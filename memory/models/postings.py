"""The inverted index of words: postings in rows, where writes put them, and in segments, into which a worker packs them.

The tables are created by SQL and written by memory/index/postings.
"""

from django.db import models

from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Memory, Scoped


class Posting(Scoped):
    """A stemmed term of a passage, in the inverted index; `length` is the passage's."""

    pk = models.CompositePrimaryKey("organisation_id", "term", "memory_id", "passage")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    term = models.TextField()
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False)
    passage = models.IntegerField(default=0)
    tf = models.IntegerField()
    length = models.IntegerField()
    thread_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "memory_posting"

    def __str__(self) -> str:
        return self.term


class Segment(Scoped):
    """The packed postings of the passages of some memories, which it numbers from 0 as its documents."""

    pk = models.CompositePrimaryKey("organisation_id", "id")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    id = models.BigIntegerField()
    documents = models.IntegerField()

    class Meta:
        managed = False
        db_table = "memory_segment"

    def __str__(self) -> str:
        return str(self.id)


class SegmentDocument(Scoped):
    """A document of a segment: a passage at its place; `terms` is the number of its postings."""

    pk = models.CompositePrimaryKey("organisation_id", "segment", "place")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    segment = models.BigIntegerField()
    place = models.IntegerField()
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, db_constraint=False)
    passage = models.IntegerField()
    length = models.IntegerField()
    thread_id = models.BigIntegerField(null=True)
    terms = models.IntegerField()
    is_removed = models.BooleanField(default=False, db_default=False)

    class Meta:
        managed = False
        db_table = "memory_segmentdocument"

    def __str__(self) -> str:
        return f"{self.segment}/{self.place}"


class PostingList(Scoped):
    """The documents of a segment that have a term, and how often, as bytes (memory/index/postings/codec.py)."""

    pk = models.CompositePrimaryKey("organisation_id", "term", "segment")
    organisation = models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False)
    term = models.TextField()
    segment = models.BigIntegerField()
    size = models.IntegerField()
    places = models.BinaryField()
    counts = models.BinaryField()

    class Meta:
        managed = False
        db_table = "memory_postinglist"

    def __str__(self) -> str:
        return self.term
