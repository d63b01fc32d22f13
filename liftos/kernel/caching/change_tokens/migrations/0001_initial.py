import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.caching.change_tokens.watching import LEAVE_A_MARK, LEAVE_NO_MARK
from liftos.kernel.tenancy.rls import IsolateTenant


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenancy", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("pk", models.CompositePrimaryKey("organisation_id", "thing", "token", blank=True, editable=False, primary_key=True, serialize=False)),
                ("organisation", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to="tenancy.organisation")),
                ("thing", models.CharField(max_length=50)),
                ("token", models.UUIDField()),
                ("xid", models.BigIntegerField()),
            ],
        ),
        IsolateTenant("generations_mark"),
        migrations.RunSQL(LEAVE_A_MARK, LEAVE_NO_MARK),
    ]
