import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant

# the thread beside the counts: threads are scored from the same pages of the index as memories
POSTING = """
ALTER TABLE memory_posting ADD COLUMN thread_id bigint;
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id) INCLUDE (tf, length, thread_id);
"""
POSTING_BACK = """
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id) INCLUDE (tf, length);
ALTER TABLE memory_posting DROP COLUMN thread_id;
"""


def organisation():
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to="tenancy.organisation"
    )


class Migration(migrations.Migration):
    dependencies = [("memory", "0002_indexes"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="Entity",
            fields=[
                ("pk", models.CompositePrimaryKey("organisation_id", "key", "memory_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organisation", organisation()),
                ("key", models.TextField(db_collation="C")),
                ("memory", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to="memory.memory")),
                ("kind", models.CharField(max_length=20)),
            ],
            options={"verbose_name_plural": "entities"},
        ),
        migrations.AddIndex(
            model_name="entity", index=models.Index(fields=["organisation", "memory"], name="entity_by_memory")
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                ("pk", models.CompositePrimaryKey("organisation_id", "id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organisation", organisation()),
                ("id", models.BigIntegerField()),
                ("members", models.PositiveIntegerField()),
            ],
        ),
        IsolateTenant("memory_entity"),
        IsolateTenant("memory_thread"),
        migrations.AddField("corpuscounter", "threads", models.BigIntegerField(default=0, db_default=0)),
        migrations.AddField("memory", "thread", models.CharField(blank=True, max_length=300, default="", db_default="")),
        migrations.AddField("memory", "thread_id", models.BigIntegerField(null=True)),
        migrations.AddField(
            "memory", "happened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())
        ),
        migrations.AddField("memory", "asks", models.BooleanField(default=False)),
        migrations.AddField("memory", "tells_time", models.BooleanField(default=False)),
        migrations.AddIndex(
            model_name="memory", index=models.Index(fields=["organisation", "happened_at"], name="memory_by_time")
        ),
        migrations.AddField("memorylink", "weight", models.FloatField(default=1.0)),
        migrations.AddConstraint(
            model_name="memorylink",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 0), ("weight__lte", 1)), name="link_weight_is_a_share"
            ),
        ),
        migrations.RunSQL(POSTING, POSTING_BACK),
    ]
