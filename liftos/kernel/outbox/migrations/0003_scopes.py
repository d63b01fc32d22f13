from django.db import migrations, models

from liftos.kernel.tenancy.rls import ScopeTenant


class Migration(migrations.Migration):
    dependencies = [("events", "0002_isolation"), ("tenancy", "0004_principals")]

    operations = [
        migrations.AddField("outboxevent", "scope_id", models.IntegerField(db_default=0)),
        ScopeTenant("events_outboxevent"),
    ]
