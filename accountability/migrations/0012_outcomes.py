import django.db.models.functions.datetime
from django.db import migrations, models

import liftos.kernel.ids
from liftos.kernel.tenancy.rls import IsolateTenant, ScopeTenant


class Migration(migrations.Migration):
    dependencies = [("accountability", "0011_audit"), ("tenancy", "0004_principals")]

    operations = [
        migrations.CreateModel(
            name="DecisionOutcome",
            fields=[
                ("id", models.UUIDField(default=liftos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("decision_id", models.UUIDField()),
                ("rightness", models.FloatField(null=True)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("scope_id", models.IntegerField(db_default=0)),
                ("organisation", models.ForeignKey(db_constraint=False, db_index=False, on_delete=models.deletion.DO_NOTHING, to="tenancy.organisation")),
            ],
            options={
                "db_table": "accountability_outcome",
                "indexes": [
                    models.Index(fields=["organisation", "decision_id", "at"], name="outcome_of_decision"),
                    models.Index(fields=["organisation", "recorded_at"], name="outcome_by_recording"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("rightness", None), models.Q(("rightness__gte", 0), ("rightness__lte", 1)), _connector="OR"),
                        name="outcome_rightness_is_a_share",
                    )
                ],
            },
        ),
        IsolateTenant("accountability_outcome"),
        ScopeTenant("accountability_outcome"),
    ]
