from django.db import migrations


def create_index(apps, schema_editor):
    """Create the graph index of bge-small, which has no vectors yet, without blocking writers."""
    model = apps.get_model("embedding", "EmbeddingModel").objects.using(schema_editor.connection.alias).get(
        name="bge-small-en-v1.5-onnx-int8", version="6c9c6101a956"
    )
    schema_editor.execute(
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS memory_vector_hnsw_{model.id} ON memory_memoryvector "
        f"USING hnsw ((embedding::halfvec({model.dimension})) halfvec_cosine_ops) WHERE model_id = {model.id} AND in_graph"
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("memory", "0021_own_model")]

    operations = [migrations.RunPython(create_index, migrations.RunPython.noop)]
