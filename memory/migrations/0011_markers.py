import json

from django.db import migrations

from memory.analysis.attributes import markers_of

# The owner is bound by the policies too.
TABLES = ("memory_memory", "memory_attribute")
BATCH = 5_000

NESTED = """
SELECT organisation_id, id, metadata::text FROM memory_memory
WHERE jsonb_path_exists(metadata, 'strict $.* ? (@.type() == "object" || @.type() == "array")')
   OR id IN (SELECT memory_id FROM memory_attribute WHERE text_value LIKE 'h%' AND length(text_value) = 65)
"""
MARK = """
INSERT INTO memory_attribute (organisation_id, memory_id, key, text_value)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[])
"""


def mark(apps, schema_editor):
    """Note for every stored object and list that its key is there, and for every long text where it stands in the order."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(f"DECLARE nested NO SCROLL CURSOR FOR {NESTED}")
        while True:
            cursor.execute(f"FETCH {BATCH} FROM nested")
            rows = cursor.fetchall()
            if not rows:
                break
            marks = [
                (organisation, memory, key, text)
                for organisation, memory, metadata in rows
                for key, text, _ in markers_of(json.loads(metadata))
            ]
            cursor.execute(MARK, [list(column) for column in zip(*marks, strict=True)])
        cursor.execute("CLOSE nested")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def unmark(apps, schema_editor):
    """Remove what `mark` has noted."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE memory_attribute NO FORCE ROW LEVEL SECURITY")
        cursor.execute("DELETE FROM memory_attribute WHERE text_value = 'o' OR (text_value LIKE 's%' AND length(text_value) = 202)")
        cursor.execute("ALTER TABLE memory_attribute FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("memory", "0010_derived_policy")]

    operations = [migrations.RunPython(mark, unmark)]
