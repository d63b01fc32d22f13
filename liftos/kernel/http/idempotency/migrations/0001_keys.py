import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

STALE = """
CREATE FUNCTION liftos_organisations_with_keys_before(moment timestamptz) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT k.organisation_id FROM idempotency_idempotencykey AS k WHERE k.recorded_at < moment
$$
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenancy', '0002_isolation'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'actor', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('actor', models.CharField(max_length=221)),
                ('key', models.CharField(max_length=200)),
                ('fingerprint', models.BinaryField(max_length=32)),
                ('status', models.SmallIntegerField(null=True)),
                ('body', models.JSONField(null=True)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
            ],
            options={
                'indexes': [models.Index(fields=['organisation', 'recorded_at'], name='idempotency_by_age')],
            },
        ),
        IsolateTenant("idempotency_idempotencykey"),
        OwnerMayLookUp("idempotency_idempotencykey"),
        migrations.RunSQL(STALE, "DROP FUNCTION liftos_organisations_with_keys_before(timestamptz)"),
    ]
