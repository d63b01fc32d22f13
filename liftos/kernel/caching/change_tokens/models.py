"""Marks left by writers, from which readers learn whether cached results are still valid.

A transaction that writes to a watched table inserts one mark for the table's topic (`watching.Watch`). The set of marks
visible to a reader identifies the state of the data: two readers who see the same marks see the same data, because

- a mark has a random token, so no state recurs;
- a mark becomes visible in the same commit as the write;
- marks are removed only by transactions that insert one, and only marks whose writes they see.

Writers never wait for each other: each inserts its own row (a counter would be a row that all must lock). Every 64th
transaction removes the marks it sees, so a few dozen rows remain per topic.
"""

from django.db import models

from liftos.kernel.tenancy.models import organisation_key


class Mark(models.Model):
    """A transaction's mark on a topic.

    Attributes:
        thing: the topic, for example `memories`.
        token: random.
        xid: the transaction's id, by which it recognises its own marks.
    """

    pk = models.CompositePrimaryKey("organisation_id", "thing", "token")
    organisation = organisation_key()
    thing = models.CharField(max_length=50)
    token = models.UUIDField()
    xid = models.BigIntegerField()
