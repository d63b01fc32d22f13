from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("embedding", "0001_initial")]

    # where the owner may not make extensions, the database's administrator has made it before (deploy/postgres-init.sh)
    operations = [migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS vector", migrations.RunSQL.noop)]
