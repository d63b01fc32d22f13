from django.db import migrations, models

LOOK_UP = "ALTER POLICY owner_looks_up ON spaces_layout USING ({})"
OUTGROWN = """
CREATE FUNCTION liftos_organisations_with_outgrown_scales() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT l.organisation_id FROM spaces_layout AS l
    WHERE l.outgrown AND l.state <> 'dropped' AND l.model_id IS NOT NULL
$$
"""


class Migration(migrations.Migration):
    dependencies = [("spaces", "0003_watched")]

    operations = [
        migrations.AddField("layout", "own", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.AddField("layout", "around", models.PositiveIntegerField(default=0, db_default=0)),
        # the scales that exist were made by another method: all are made anew, by a worker
        migrations.AddField("layout", "outgrown", models.BooleanField(default=True, db_default=True)),
        migrations.AlterField("layout", "outgrown", models.BooleanField(default=False, db_default=False)),
        migrations.AddIndex(
            "layout",
            models.Index(
                fields=["organisation"],
                name="layout_outgrown",
                condition=models.Q(outgrown=True) & ~models.Q(state="dropped"),
            ),
        ),
        migrations.AddField("concept", "given", models.JSONField(null=True)),
        migrations.AddField("concept", "placed_in", models.UUIDField(null=True)),
        migrations.RunSQL(
            LOOK_UP.format("(NOT checked OR outgrown) AND state <> 'dropped'"),
            LOOK_UP.format("NOT checked AND state <> 'dropped'"),
        ),
        migrations.RunSQL(OUTGROWN, "DROP FUNCTION liftos_organisations_with_outgrown_scales()"),
    ]
