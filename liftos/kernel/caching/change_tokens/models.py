"""Marks that writers leave, so that readers know whether what they once computed still holds.

A transaction that writes to a watched table leaves one mark for the thing that the table is part of (`watching.Watch`). The
marks that a reader sees are a name for the state it sees: two readers who see the same marks see the same data, for

- a mark has a random token, so no state ever comes back;
- a mark becomes visible with the write that it tells of, in one commit;
- marks are removed only by a transaction that leaves one of its own, and only those whose writes it sees.

Writers never wait for one another here: each inserts its own row (a counter would be one row that all must lock). Every
64th transaction removes what it sees, so some tens of rows remain for each thing.
"""

from django.db import models

from liftos.kernel.tenancy.models import Organisation


class Mark(models.Model):
    """One transaction's writing to one thing.

    Attributes:
        thing: what was written to, for example `memories`.
        token: random.
        xid: of the transaction, by which it knows its own.
    """

    pk = models.CompositePrimaryKey("organisation_id", "thing", "token")
    # no foreign key in the database: every write would lock the organisation's row
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    thing = models.CharField(max_length=50)
    token = models.UUIDField()
    xid = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.thing} {self.token}"
