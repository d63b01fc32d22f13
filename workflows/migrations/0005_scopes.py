from django.db import migrations, models

from liftos.kernel.tenancy.rls import ScopeTenant

SCOPED = ("run", "step", "transition")


class Migration(migrations.Migration):
    dependencies = [("workflows", "0004_parties"), ("tenancy", "0004_principals")]

    operations = [
        migrations.AddField("run", "principal_id", models.UUIDField(null=True, editable=False)),
        migrations.AddField("run", "scope_id", models.IntegerField(db_default=0, editable=False)),
        migrations.AddField("step", "scope_id", models.IntegerField(db_default=0, editable=False)),
        migrations.AddField("transition", "scope_id", models.IntegerField(db_default=0)),
        *[ScopeTenant(f"workflows_{model}") for model in SCOPED],
    ]
