import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import liftos.kernel.ids
from django.db import migrations, models

from liftos.kernel.tenancy.rls import AppendOnly, IsolateTenant, OwnerMayLookUp

TABLES = ("memoryversion", "tombstone", "erasure", "context", "bulkjob", "bulkchunk", "modelchoice")

# As for vectors and links: a foreign organisation's id can't satisfy these. An earlier text and a version go with their
# memory by the erasing code, which counts them; a memory loses the name of its successor when that is erased.
COMPOSITE_KEYS = """
ALTER TABLE memory_memory ADD CONSTRAINT memory_head_is_own
    FOREIGN KEY (organisation_id, head) REFERENCES memory_memory (organisation_id, id);
ALTER TABLE memory_memory ADD CONSTRAINT memory_successor_is_own
    FOREIGN KEY (organisation_id, superseded_by) REFERENCES memory_memory (organisation_id, id)
    ON DELETE SET NULL (superseded_by);
ALTER TABLE memory_memoryversion ADD CONSTRAINT version_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id);
ALTER TABLE memory_bulkchunk ADD CONSTRAINT chunk_of_own_job
    FOREIGN KEY (organisation_id, job_id) REFERENCES memory_bulkjob (organisation_id, id) ON DELETE CASCADE;
"""
# The owner is bound by the policies too; what was stored before has been believed since it was recorded.
BELIEVED_SINCE = """
ALTER TABLE memory_memory NO FORCE ROW LEVEL SECURITY;
UPDATE memory_memory SET changed_at = recorded_at;
ALTER TABLE memory_memory FORCE ROW LEVEL SECURITY;
"""
# Which organisations a sweep has work in: memories past their time, chunks of a bulk store, keys past their retention.
SWEEP = """
CREATE FUNCTION liftos_organisations_with_expired_memories() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT m.organisation_id FROM memory_memory AS m
    WHERE m.expires_at <= now() AND m.head IS NULL AND m.state IN ('candidate', 'active', 'contested')
$$;
CREATE FUNCTION liftos_organisations_with_bulk_work() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT c.organisation_id FROM memory_bulkchunk AS c WHERE c.results IS NULL
$$;
"""
SWEEP_BACK = """
DROP FUNCTION liftos_organisations_with_expired_memories();
DROP FUNCTION liftos_organisations_with_bulk_work();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('embedding', '0003_default_model'),
        ('memory', '0003_relations'),
        ('tenancy', '0002_isolation'),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkJob',
            fields=[
                ('id', models.UUIDField(default=liftos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('actor_kind', models.CharField(max_length=20)),
                ('actor_id', models.CharField(max_length=200)),
                ('on_behalf_of', models.CharField(blank=True, max_length=200)),
                ('trust', models.CharField(default='active', max_length=20)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
            ],
        ),
        migrations.CreateModel(
            name='BulkChunk',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'job_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('first_line', models.PositiveIntegerField()),
                ('lines', models.PositiveIntegerField()),
                ('text', models.TextField()),
                ('results', models.JSONField(null=True)),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
                ('job', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='memory.bulkjob')),
            ],
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'value', blank=True, editable=False, primary_key=True, serialize=False)),
                ('value', models.BinaryField(max_length=32)),
                ('memory_id', models.UUIDField()),
                ('decision_id', models.UUIDField()),
                ('recorded_at', models.DateTimeField()),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
            ],
        ),
        migrations.CreateModel(
            name='Context',
            fields=[
                ('organisation', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='tenancy.organisation')),
                ('domain', models.CharField(max_length=100)),
                ('initialised_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.UUIDField(default=liftos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('memory_id', models.UUIDField()),
                ('origin', models.BinaryField(max_length=32, null=True)),
                ('removed', models.JSONField()),
                ('caches', models.JSONField()),
                ('actor_kind', models.CharField(max_length=20)),
                ('actor_id', models.CharField(max_length=200)),
                ('on_behalf_of', models.CharField(blank=True, max_length=200)),
                ('decision_id', models.UUIDField()),
                ('recorded_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='MemoryVersion',
            fields=[
                ('id', models.UUIDField(default=liftos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('content', models.TextField(blank=True)),
                ('metadata', models.JSONField(default=dict)),
                ('memory_type', models.CharField(max_length=100)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=list, size=None)),
                ('importance', models.FloatField()),
                ('state', models.CharField(max_length=20)),
                ('valid_from', models.DateTimeField(null=True)),
                ('valid_to', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('superseded_by', models.UUIDField(null=True)),
                ('known_from', models.DateTimeField()),
                ('known_to', models.DateTimeField()),
                ('operation', models.CharField(max_length=100)),
                ('reason', models.TextField(blank=True)),
                ('actor_kind', models.CharField(max_length=20)),
                ('actor_id', models.CharField(max_length=200)),
                ('on_behalf_of', models.CharField(blank=True, max_length=200)),
                ('decision_id', models.UUIDField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='memorylink',
            name='link_once',
        ),
        migrations.AddField(
            model_name='memory',
            name='changed_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='memory',
            name='expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='memory',
            name='head',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='memory',
            name='superseded_by',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='memory',
            name='text_version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='memory',
            name='value',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='memory',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AlterField(
            model_name='memorylink',
            name='target_external_id',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(models.Q(('state', 'active'), _negated=True), ('expires_at__isnull', False), ('head__isnull', False), _connector='OR'), fields=['organisation', 'id'], name='memory_not_plain'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['organisation', 'expires_at'], name='memory_to_expire'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('head__isnull', False)), fields=['organisation', 'head'], name='memory_by_head'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(condition=models.Q(('superseded_by__isnull', False)), fields=['organisation', 'superseded_by'], name='memory_by_successor'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['organisation', 'value'], name='memory_by_value'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('text_version__gte', 1), ('text_version__lte', models.F('version'))), name='memory_text_no_newer_than_version'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('head', None), ('external_id', ''), _connector='OR'), name='memory_earlier_text_has_no_origin'),
        ),
        migrations.AddConstraint(
            model_name='memorylink',
            constraint=models.UniqueConstraint(condition=models.Q(('target_external_id', ''), _negated=True), fields=('organisation', 'memory', 'kind', 'target_source', 'target_external_id'), name='link_once'),
        ),
        migrations.AddConstraint(
            model_name='memorylink',
            constraint=models.UniqueConstraint(condition=models.Q(('target_external_id', '')), fields=('organisation', 'memory', 'kind', 'target'), name='link_by_id_once'),
        ),
        migrations.AddField(
            model_name='erasure',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation'),
        ),
        migrations.AddField(
            model_name='memoryversion',
            name='memory',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='memory.memory'),
        ),
        migrations.AddField(
            model_name='memoryversion',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation'),
        ),
        migrations.AddConstraint(
            model_name='bulkjob',
            constraint=models.UniqueConstraint(fields=('organisation', 'id'), name='bulk_job_of_organisation'),
        ),
        migrations.AddIndex(
            model_name='bulkchunk',
            index=models.Index(condition=models.Q(('results__isnull', True)), fields=['organisation', 'job', 'number'], name='bulk_waiting'),
        ),
        migrations.AddIndex(
            model_name='erasure',
            index=models.Index(condition=models.Q(('origin__isnull', False)), fields=['organisation', 'origin'], name='erasure_by_origin'),
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.UniqueConstraint(fields=('organisation', 'memory_id'), name='erasure_once'),
        ),
        migrations.AddIndex(
            model_name='memoryversion',
            index=models.Index(fields=['organisation', 'known_to', 'known_from'], name='version_by_time'),
        ),
        migrations.AddConstraint(
            model_name='memoryversion',
            constraint=models.UniqueConstraint(fields=('organisation', 'memory', 'version'), name='version_once'),
        ),
        migrations.AddConstraint(
            model_name='memoryversion',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['candidate', 'active', 'contested', 'rejected', 'superseded', 'expired', 'erased'])), name='version_state_known'),
        ),
        migrations.AddConstraint(
            model_name='memoryversion',
            constraint=models.CheckConstraint(condition=models.Q(('known_from__lte', models.F('known_to'))), name='version_known_from_before_to'),
        ),
        migrations.AddIndex(
            model_name='tombstone',
            index=models.Index(fields=['organisation', 'memory_id'], name='tombstone_by_memory'),
        ),
        migrations.CreateModel(
            name='ModelChoice',
            fields=[
                ('organisation', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='tenancy.organisation')),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('model', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='embedding.embeddingmodel')),
            ],
        ),
        migrations.RunSQL(COMPOSITE_KEYS, migrations.RunSQL.noop),
        migrations.RunSQL(BELIEVED_SINCE, migrations.RunSQL.noop),
        *[IsolateTenant(f"memory_{table}") for table in TABLES],
        AppendOnly("memory_memoryversion", deletable=True),
        AppendOnly("memory_tombstone", deletable=True),
        AppendOnly("memory_erasure"),
        OwnerMayLookUp("memory_bulkchunk", "results IS NULL"),
        migrations.RunSQL(
            "CREATE POLICY owner_looks_up_expired ON memory_memory FOR SELECT TO CURRENT_USER USING (expires_at IS NOT NULL)",
            "DROP POLICY owner_looks_up_expired ON memory_memory",
        ),
        migrations.RunSQL(SWEEP, SWEEP_BACK),
    ]
