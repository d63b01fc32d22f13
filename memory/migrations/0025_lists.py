from django.db import migrations, models
from django.db.models.functions import Collate


# The owner is bound by the policies too.
_OPEN = """
ALTER TABLE memory_memory NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memory_attribute NO FORCE ROW LEVEL SECURITY;
"""
_SHUT = """;
ALTER TABLE memory_memory FORCE ROW LEVEL SECURITY;
ALTER TABLE memory_attribute FORCE ROW LEVEL SECURITY;
"""
# the tags of stored memories and earlier texts, as memory.analysis.attributes.tags_of writes them
TAGS = f"""{_OPEN}
INSERT INTO memory_attribute (organisation_id, memory_id, key, text_value)
SELECT DISTINCT m.organisation_id, m.id, '$tag', 't' || tag FROM memory_memory AS m, unnest(m.tags) AS tag
{_SHUT}"""
NO_TAGS = f"{_OPEN} DELETE FROM memory_attribute WHERE key = '$tag' AND left(text_value, 1) = 't' {_SHUT}"


class Migration(migrations.Migration):

    dependencies = [
        ('memory', '0024_cancelled_jobs'),
    ]

    operations = [
        migrations.RunSQL(TAGS, NO_TAGS),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['organisation', 'recorded_at', 'id'], name='memory_by_recorded'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['organisation', 'changed_at', 'id'], name='memory_by_changed'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['organisation', 'importance', 'id'], name='memory_by_importance'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('valid_from__isnull', False)), fields=['organisation', 'valid_from', 'id'], name='memory_by_valid_from'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('valid_to__isnull', False)), fields=['organisation', 'valid_to', 'id'], name='memory_by_valid_to'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(models.F('organisation'), Collate('source', 'C'), models.F('id'), name='memory_by_source'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('thread', ''), _negated=True), fields=['organisation', 'thread', 'id'], name='memory_by_thread'),
        ),
    ]
