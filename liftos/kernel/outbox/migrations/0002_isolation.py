from django.db import migrations

from liftos.kernel.tenancy.rls import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("tenancy", "0002_isolation")]

    operations = [IsolateTenant("events_outboxevent")]
