import django.contrib.postgres.indexes
import django.contrib.postgres.search
import pgvector.django.halfvec
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant, ScopeTenant


class Migration(migrations.Migration):
    dependencies = [("accountability", "0012_outcomes"), ("tenancy", "0004_principals"), ("embedding", "0002_vector")]

    operations = [
        migrations.CreateModel(
            name="DecisionText",
            fields=[
                ("decision_id", models.UUIDField(primary_key=True, serialize=False)),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                ("model", models.IntegerField(null=True)),
                ("embedding", pgvector.django.halfvec.HalfVectorField(null=True)),
                ("scope_id", models.IntegerField(db_default=0)),
                ("organisation", models.ForeignKey(db_constraint=False, db_index=False, on_delete=models.deletion.DO_NOTHING, to="tenancy.organisation")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organisation", "model"], name="decision_text_by_model"),
                    django.contrib.postgres.indexes.GinIndex(fields=["words"], name="decision_text_words"),
                ],
            },
        ),
        # an erasure deletes the payload, and so its index
        migrations.RunSQL(
            "ALTER TABLE accountability_decisiontext ADD CONSTRAINT text_of_payload FOREIGN KEY (decision_id) "
            "REFERENCES accountability_decisionpayload (decision_id) ON DELETE CASCADE",
            "ALTER TABLE accountability_decisiontext DROP CONSTRAINT text_of_payload",
        ),
        IsolateTenant("accountability_decisiontext"),
        ScopeTenant("accountability_decisiontext"),
    ]
