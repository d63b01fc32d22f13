from django.db import migrations, models

from liftos.kernel.tenancy.rls import ScopeTenant

SCOPED = ("decisionrecord", "decisionpayload", "reviewcase")


class Migration(migrations.Migration):
    dependencies = [("accountability", "0009_delivery_leases"), ("tenancy", "0004_principals")]

    operations = [
        *[
            migrations.AddField(model, "scope_id", models.IntegerField(db_default=0))
            for model in SCOPED
        ],
        migrations.AddIndex(
            "decisionrecord",
            models.Index(
                fields=["organisation", "id"],
                name="decision_private",
                condition=models.Q(("scope_id", 0), _negated=True),
            ),
        ),
        *[ScopeTenant(f"accountability_{model}") for model in SCOPED],
    ]
