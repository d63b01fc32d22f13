from django.db import migrations


def register(apps, schema_editor):
    # so that its index can be made before the first vector (memory/migrations)
    apps.get_model("embedding", "EmbeddingModel").objects.using(schema_editor.connection.alias).get_or_create(
        name="bge-small-en-v1.5-onnx-int8", version="6c9c6101a956", defaults={"dimension": 384}
    )


class Migration(migrations.Migration):
    dependencies = [("embedding", "0003_default_model")]

    operations = [migrations.RunPython(register, migrations.RunPython.noop)]
