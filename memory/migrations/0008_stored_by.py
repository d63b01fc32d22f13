from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("memory", "0007_statistics")]

    operations = [
        migrations.AddField("memory", "stored_by", models.UUIDField(null=True)),
        migrations.AddField("erasure", "stored_by", models.UUIDField(null=True)),
    ]
