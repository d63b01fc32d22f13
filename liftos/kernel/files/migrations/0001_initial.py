import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

# the sweep asks for organisations with old loose files
SWEEP = """
CREATE FUNCTION liftos_organisations_with_loose_files() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT f.organisation_id FROM files_storedfile AS f
    WHERE NOT f.kept AND f.changed_at < now() - interval '1 hour'
$$;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenancy", "0003_roles")]

    operations = [
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                ("key", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("kept", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField(db_default=Now())),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="tenancy.organisation",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organisation", "kept"], name="file_by_organisation"),
                    models.Index(
                        condition=models.Q(("kept", False)), fields=["changed_at"], name="file_loose"
                    ),
                ],
            },
        ),
        IsolateTenant("files_storedfile"),
        OwnerMayLookUp("files_storedfile", condition="NOT kept"),
        migrations.RunSQL(SWEEP, "DROP FUNCTION liftos_organisations_with_loose_files()"),
    ]
