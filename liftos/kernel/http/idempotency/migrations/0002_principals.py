from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0001_keys")]

    operations = [migrations.AlterField("idempotencykey", "actor", models.CharField(max_length=258))]
