from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

# The owner is bound by the policies too.
TABLES = ("memory_memoryvector", "memory_modelchoice")

# Whoever had no model of its own used the installation's, which most of its vectors are of. Those of others remain of a move.
SETTLED = """
WITH counted AS (
    SELECT organisation_id, model_id, count(*) AS vectors FROM memory_memoryvector GROUP BY organisation_id, model_id
)
INSERT INTO memory_modelchoice (organisation_id, model_id)
SELECT DISTINCT ON (organisation_id) organisation_id, model_id FROM counted
ORDER BY organisation_id, vectors DESC, model_id ON CONFLICT (organisation_id) DO NOTHING
"""
FORMER = """
UPDATE memory_modelchoice AS c SET former = v.models FROM (
    SELECT organisation_id, array_agg(DISTINCT model_id) AS models FROM memory_memoryvector GROUP BY organisation_id
) AS v WHERE v.organisation_id = c.organisation_id AND v.models <> ARRAY[c.model_id]
"""


def settle(apps, schema_editor):
    """Make each organisation's model its own, so that another default changes nothing for it."""
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(SETTLED)
        cursor.execute(FORMER)
        # checks the models' foreign key now: a table with checks outstanding can't be altered
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("memory", "0020_extraction"), ("embedding", "0004_bge_small")]

    operations = [
        migrations.AddField(
            "modelchoice", "former", ArrayField(models.SmallIntegerField(), default=list, db_default=[])
        ),
        migrations.RunPython(settle, migrations.RunPython.noop),
    ]
