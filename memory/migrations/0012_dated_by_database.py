from django.db import migrations, models

from liftos.kernel.tenancy.rls import DatedByDatabase

# versions that an import brings keep their own times, so beside them stands when they were written here
DATE_ROW = """
CREATE FUNCTION liftos_date_written_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.written_at := clock_timestamp();
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0011_markers"), ("accountability", "0008_erasures_and_dates")]

    operations = [
        migrations.AddField("memoryversion", "written_at", models.DateTimeField(null=True)),
        migrations.RunSQL(DATE_ROW, "DROP FUNCTION liftos_date_written_at()"),
        DatedByDatabase("memory_memoryversion", "written_at"),
        DatedByDatabase("memory_tombstone"),
        DatedByDatabase("memory_erasure"),
    ]
