from django.db import migrations, models

from liftos.kernel.tenancy.rls import ScopeTenant

# of a table that Django does not manage
POSITION = "ALTER TABLE spaces_position ADD COLUMN scope_id integer NOT NULL DEFAULT 0"
POSITION_BACK = "ALTER TABLE spaces_position DROP COLUMN scope_id"


class Migration(migrations.Migration):
    dependencies = [("spaces", "0004_outgrown"), ("memory", "0026_scopes"), ("tenancy", "0004_principals")]

    operations = [
        migrations.AddField("member", "scope_id", models.IntegerField(db_default=0)),
        migrations.RunSQL(
            POSITION, POSITION_BACK, [migrations.AddField("position", "scope_id", models.IntegerField())]
        ),
        *[ScopeTenant(f"spaces_{table}") for table in ("member", "position")],
    ]
