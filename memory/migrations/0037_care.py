import django.db.models.functions.datetime
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant, ScopeTenant

KINDS = ["double", "supersession", "stale", "contradiction"]
STATES = ["open", "accepted", "declined"]
LABELS = ["says the same", "superseded", "no longer true", "contradicted"]


def organisation():
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=models.deletion.DO_NOTHING, to="tenancy.organisation"
    )


def of_memory(table, column, name):
    """Delete a row with its memory."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organisation_id, {column}) "
        "REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("memory", "0036_segments"), ("tenancy", "0004_principals")]

    operations = [
        migrations.CreateModel(
            name="CareCursor",
            fields=[
                ("scope_id", models.IntegerField(db_default=0, default=0)),
                ("pk", models.CompositePrimaryKey("organisation_id", "kind", "scope_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("changed_at", models.DateTimeField()),
                ("memory_id", models.UUIDField()),
                ("is_complete", models.BooleanField(default=False)),
                ("organisation", organisation()),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="FactKey",
            fields=[
                ("scope_id", models.IntegerField(db_default=0, default=0)),
                ("pk", models.CompositePrimaryKey("organisation_id", "key", "memory_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("key", models.BigIntegerField()),
                ("memory_id", models.UUIDField()),
                ("organisation", organisation()),
            ],
            options={"db_table": "memory_factkey", "indexes": [models.Index(fields=["organisation", "memory_id"], name="fact_by_memory")]},
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("scope_id", models.IntegerField(db_default=0, default=0)),
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=list(zip(KINDS, LABELS, strict=True)), max_length=20)),
                ("memory_id", models.UUIDField()),
                ("other_id", models.UUIDField()),
                ("memory_version", models.IntegerField()),
                ("other_version", models.IntegerField()),
                ("state", models.CharField(choices=[(each, each) for each in STATES], default="open", max_length=10)),
                ("confidence", models.FloatField()),
                ("reason", models.CharField(max_length=300)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.UUIDField(null=True)),
                ("organisation", organisation()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organisation", "state", "id"], name="proposal_by_state"),
                    models.Index(fields=["organisation", "other_id"], name="proposal_by_other"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "memory_id", "other_id"), name="proposal_once"),
                    models.CheckConstraint(condition=models.Q(("kind__in", KINDS)), name="proposal_kind_known"),
                    models.CheckConstraint(condition=models.Q(("state__in", STATES)), name="proposal_state_known"),
                    models.CheckConstraint(condition=models.Q(("confidence__gte", 0), ("confidence__lte", 1)), name="proposal_confidence_is_a_probability"),
                ],
            },
        ),
        of_memory("memory_factkey", "memory_id", "fact_of_memory"),
        of_memory("memory_proposal", "memory_id", "proposal_of_memory"),
        of_memory("memory_proposal", "other_id", "proposal_of_other"),
        *[IsolateTenant(f"memory_{table}") for table in ("carecursor", "factkey", "proposal")],
        *[ScopeTenant(f"memory_{table}") for table in ("carecursor", "factkey", "proposal")],
    ]
