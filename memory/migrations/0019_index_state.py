from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

# What runs before a tenant is known: which organisations have memories and an index of another analyser. An organisation without a
# row had its memories indexed before rows were kept.
TO_REINDEX = """
CREATE FUNCTION liftos_organisations_to_reindex(current text) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.organisation_id FROM memory_corpuscounter AS c
    LEFT JOIN memory_indexstate AS s ON s.organisation_id = c.organisation_id
    WHERE s.analyser IS DISTINCT FROM current
    GROUP BY c.organisation_id HAVING sum(c.documents) > 0
$$
"""
# The languages of an organisation beside English, which a query is also read in.
LANGUAGES = """
CREATE INDEX memory_by_language ON memory_memory (organisation_id, language) WHERE language NOT IN ('', 'en');
CREATE INDEX passage_by_language ON memory_passage (organisation_id, language) WHERE language NOT IN ('', 'en');
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0018_conversations")]

    operations = [
        migrations.CreateModel(
            name="IndexState",
            fields=[
                ("organisation", models.OneToOneField(db_constraint=False, on_delete=models.deletion.PROTECT, primary_key=True, serialize=False, to="tenancy.organisation")),
                ("analyser", models.CharField(max_length=40)),
                ("target", models.CharField(max_length=40)),
                ("after", models.UUIDField(null=True)),
                ("rewritten", models.PositiveBigIntegerField(db_default=0, default=0)),
            ],
        ),
        IsolateTenant("memory_indexstate"),
        OwnerMayLookUp("memory_indexstate"),
        migrations.RunSQL(TO_REINDEX, "DROP FUNCTION liftos_organisations_to_reindex(text)"),
        migrations.RunSQL(LANGUAGES, "DROP INDEX memory_by_language; DROP INDEX passage_by_language"),
    ]
