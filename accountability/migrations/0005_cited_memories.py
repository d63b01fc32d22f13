import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import AppendOnly, IsolateTenant


class Migration(migrations.Migration):

    dependencies = [
        ('accountability', '0004_look_up'),
        ('tenancy', '0002_isolation'),
    ]

    operations = [
        migrations.CreateModel(
            name='CitedMemory',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'memory_id', 'decision_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('memory_id', models.UUIDField()),
                ('decision_id', models.UUIDField()),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
            ],
        ),
        IsolateTenant("accountability_citedmemory"),
        AppendOnly("accountability_citedmemory", deletable=True),
    ]
