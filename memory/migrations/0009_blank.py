from django.db import migrations, models

from memory.analysis.values import is_blank

# The owner is bound by the policies too.
TABLES = ("memory_memory", "memory_memoryvector")


def mark_blank(apps, schema_editor):
    """Take what shows nothing out of the search: its vector goes, its state says so."""
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        # only such a text, and earlier texts of a memory, have no value
        cursor.execute("SELECT id, content FROM memory_memory WHERE value IS NULL")
        blank = [row[0] for row in cursor if is_blank(row[1])]
        cursor.execute("UPDATE memory_memory SET embedding = 'none' WHERE id = ANY(%s)", [blank])
        cursor.execute("DELETE FROM memory_memoryvector WHERE memory_id = ANY(%s)", [blank])
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def have_them_embedded(apps, schema_editor):
    """Have the sweep make their vectors again."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE memory_memory NO FORCE ROW LEVEL SECURITY")
        cursor.execute("UPDATE memory_memory SET embedding = 'pending' WHERE embedding = 'none'")
        cursor.execute("ALTER TABLE memory_memory FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("memory", "0008_stored_by")]

    operations = [
        migrations.RemoveConstraint("memory", "memory_embedding_known"),
        migrations.RemoveIndex("memory", "memory_not_plain"),
        migrations.RunPython(mark_blank, have_them_embedded),
        migrations.AddIndex(
            "memory",
            models.Index(
                fields=["organisation", "id"],
                name="memory_not_plain",
                condition=~models.Q(state="active")
                | models.Q(expires_at__isnull=False)
                | models.Q(head__isnull=False)
                | models.Q(embedding="none"),
            ),
        ),
        migrations.AddConstraint(
            "memory",
            models.CheckConstraint(
                condition=models.Q(embedding__in=["ready", "pending", "none"]), name="memory_embedding_known"
            ),
        ),
    ]
