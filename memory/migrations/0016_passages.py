import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant

# A long memory's words and vectors are kept by passage. All rows so far are of passage 0: long memories are cut when the index is
# rebuilt. A constant default doesn't rewrite the tables.
POSTING = """
ALTER TABLE memory_posting ADD COLUMN passage integer NOT NULL DEFAULT 0;
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id, passage) INCLUDE (tf, length, thread_id);
"""
POSTING_BACK = """
DELETE FROM memory_posting WHERE passage <> 0;
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id) INCLUDE (tf, length, thread_id);
ALTER TABLE memory_posting DROP COLUMN passage;
"""
VECTOR = """
ALTER TABLE memory_memoryvector ADD COLUMN passage integer NOT NULL DEFAULT 0;
ALTER TABLE memory_memoryvector DROP CONSTRAINT memory_memoryvector_pkey;
ALTER TABLE memory_memoryvector ADD PRIMARY KEY (organisation_id, memory_id, model_id, passage);
"""
VECTOR_BACK = """
DELETE FROM memory_memoryvector WHERE passage <> 0;
ALTER TABLE memory_memoryvector DROP CONSTRAINT memory_memoryvector_pkey;
ALTER TABLE memory_memoryvector ADD PRIMARY KEY (organisation_id, memory_id, model_id);
ALTER TABLE memory_memoryvector DROP COLUMN passage;
"""
OWN = """
ALTER TABLE memory_passage ADD CONSTRAINT passage_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE
"""
# The owner is bound by the policies too.
COUNTED = """
ALTER TABLE memory_corpuscounter NO FORCE ROW LEVEL SECURITY;
UPDATE memory_corpuscounter SET memories = documents;
ALTER TABLE memory_corpuscounter FORCE ROW LEVEL SECURITY;
"""
STATES = ["ready", "pending", "none", "partial", "unreadable"]


def embedding_known(states):
    return models.CheckConstraint(condition=models.Q(embedding__in=states), name="memory_embedding_known")


class Migration(migrations.Migration):
    dependencies = [("memory", "0015_bulk_leases"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(VECTOR, VECTOR_BACK)],
            [
                migrations.AddField("memoryvector", "passage", models.IntegerField(default=0, db_default=0)),
                migrations.AlterField(
                    "memoryvector", "pk",
                    models.CompositePrimaryKey("organisation_id", "memory_id", "model_id", "passage", blank=True, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
        migrations.RunSQL(
            POSTING, POSTING_BACK,
            [
                migrations.AddField("posting", "passage", models.IntegerField(default=0)),
                migrations.AlterField(
                    "posting", "pk",
                    models.CompositePrimaryKey("organisation_id", "term", "memory_id", "passage", blank=True, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
        migrations.AddField("memory", "language", models.CharField(blank=True, default="", db_default="", max_length=8)),
        migrations.AddField("memory", "passages", models.PositiveIntegerField(default=1, db_default=1)),
        migrations.RemoveConstraint("memory", "memory_embedding_known"),
        migrations.AddConstraint("memory", embedding_known(STATES)),
        migrations.AddField("corpuscounter", "memories", models.BigIntegerField(default=0, db_default=0)),
        migrations.RunSQL(COUNTED, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="MemoryPassage",
            fields=[
                ("pk", models.CompositePrimaryKey("organisation_id", "memory_id", "passage", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organisation", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="tenancy.organisation")),
                ("memory", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="passage_rows", to="memory.memory")),
                ("passage", models.PositiveIntegerField()),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("page", models.PositiveIntegerField(null=True)),
                ("heading", models.TextField(blank=True, default="", db_default="")),
                ("language", models.CharField(blank=True, default="", db_default="", max_length=8)),
            ],
            options={
                "db_table": "memory_passage",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(start__lt=models.F("end")), name="passage_has_text")
                ]
            },
        ),
        migrations.RunSQL(OWN, migrations.RunSQL.noop),
        IsolateTenant("memory_passage"),
    ]
