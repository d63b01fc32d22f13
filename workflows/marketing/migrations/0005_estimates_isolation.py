from django.db import migrations

from liftos.kernel.tenancy.rls import IsolateTenant, ScopeTenant

# another organisation's memory can't satisfy it; the row goes with its memory
OF_OWN_MEMORY = """
ALTER TABLE marketing_estimate ADD CONSTRAINT estimate_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [("marketing", "0004_estimates")]
    operations = [
        migrations.RunSQL(OF_OWN_MEMORY, "ALTER TABLE marketing_estimate DROP CONSTRAINT estimate_of_own_memory"),
        IsolateTenant("marketing_estimate"),
        ScopeTenant("marketing_estimate"),
    ]
