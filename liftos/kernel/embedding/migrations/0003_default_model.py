from django.db import migrations


def register_default(apps, schema_editor):
    # number 1, which the index of the default model is made for (memory/migrations/0002)
    apps.get_model("embedding", "EmbeddingModel").objects.using(schema_editor.connection.alias).create(
        name="all-MiniLM-L6-v2-onnx-int8", version="8199be6f699a", dimension=384
    )


class Migration(migrations.Migration):
    dependencies = [("embedding", "0002_vector")]

    operations = [migrations.RunPython(register_default, migrations.RunPython.noop)]
