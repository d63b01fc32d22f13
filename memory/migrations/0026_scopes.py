import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import ScopeTenant

# Rows that tell something of a memory have its scope. A constant default doesn't rewrite the tables.
MODELS = (
    "memory", "memoryversion", "memorypassage", "memoryvector", "memorylink", "entity", "thread", "conversationturn",
    "document", "documentjob", "bulkjob", "bulkchunk", "tombstone", "erasure", "corpuscounter",
)
TABLES = (
    "memory_memory", "memory_memoryversion", "memory_passage", "memory_memoryvector", "memory_memorylink", "memory_entity",
    "memory_posting", "memory_attribute", "memory_thread", "memory_conversationturn", "memory_document",
    "memory_documentjob", "memory_bulkjob", "memory_bulkchunk", "memory_tombstone", "memory_erasure",
    "memory_corpuscounter",
)
# in the key's INCLUDE, because scoring reads the index alone
POSTING = """
ALTER TABLE memory_posting ADD COLUMN scope_id integer NOT NULL DEFAULT 0;
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id, passage)
    INCLUDE (tf, length, thread_id, scope_id);
"""
POSTING_BACK = """
ALTER TABLE memory_posting DROP CONSTRAINT memory_posting_pkey;
ALTER TABLE memory_posting ADD PRIMARY KEY (organisation_id, term, memory_id, passage) INCLUDE (tf, length, thread_id);
ALTER TABLE memory_posting DROP COLUMN scope_id;
"""
ATTRIBUTE = "ALTER TABLE memory_attribute ADD COLUMN scope_id integer NOT NULL DEFAULT 0"
ATTRIBUTE_BACK = "ALTER TABLE memory_attribute DROP COLUMN scope_id"
# what is counted, named or rejected is so within a scope
KEYS = {
    "thread": ("organisation_id", "id", "scope_id"),
    "corpuscounter": ("organisation_id", "scope_id", "part"),
    "tombstone": ("organisation_id", "value", "scope_id"),
    "conversationturn": ("organisation_id", "thread", "scope_id", "number"),
}
EARLIER_KEYS = {
    "thread": ("organisation_id", "id"),
    "corpuscounter": ("organisation_id", "part"),
    "tombstone": ("organisation_id", "value"),
    "conversationturn": ("organisation_id", "thread", "number"),
}


def rekeyed(model):
    def key(columns):
        table = f"memory_{model}"
        return (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey; "
            f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(columns)})"
        )

    return migrations.RunSQL(
        key(KEYS[model]), key(EARLIER_KEYS[model]),
        [
            migrations.AlterField(
                model, "pk",
                models.CompositePrimaryKey(*KEYS[model], blank=True, editable=False, primary_key=True, serialize=False),
            )
        ],
    )


def scope():
    return models.IntegerField(default=0, db_default=0)


class Migration(migrations.Migration):
    dependencies = [("memory", "0025_lists"), ("tenancy", "0004_principals")]

    operations = [
        *[migrations.AddField(model, "scope_id", scope()) for model in MODELS],
        migrations.RunSQL(POSTING, POSTING_BACK, [migrations.AddField("posting", "scope_id", models.IntegerField(default=0))]),
        migrations.RunSQL(ATTRIBUTE, ATTRIBUTE_BACK, [migrations.AddField("attribute", "scope_id", models.IntegerField(default=0))]),
        *[rekeyed(model) for model in KEYS],
        migrations.AddField("memory", "owner", models.UUIDField(null=True)),
        migrations.AddField("bulkjob", "principal", models.UUIDField(null=True)),
        migrations.AddField("documentjob", "principal", models.UUIDField(null=True)),
        migrations.RemoveConstraint("memory", "memory_external_id_once"),
        migrations.AddConstraint(
            "memory",
            models.UniqueConstraint(
                fields=["organisation", "source", "external_id", "scope_id"],
                name="memory_external_id_once",
                condition=~models.Q(external_id=""),
            ),
        ),
        # for viewers who see a small share of a large organisation (memory/search/arms/meaning/arm.py)
        migrations.AddIndex(
            "memoryvector", models.Index(fields=["organisation", "scope_id", "model"], name="vector_by_scope")
        ),
        *[ScopeTenant(table) for table in TABLES],
    ]
