from django.db import migrations

from liftos.tenancy.rls import AppendOnly, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("accountability", "0001_initial"), ("tenancy", "0002_isolation")]

    operations = [
        IsolateTenant("accountability_decisionrecord"),
        IsolateTenant("accountability_decisionpayload"),
        AppendOnly("accountability_decisionrecord"),
        AppendOnly("accountability_decisionpayload", deletable=True),
    ]
