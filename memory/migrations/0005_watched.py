from django.db import migrations

from liftos.kernel.caching.change_tokens.watching import Watch

# what the answer of a search depends on; words, attributes and the like are written with their memory
TABLES = ("memory", "memoryvector", "memorylink", "modelchoice")


class Migration(migrations.Migration):
    dependencies = [("memory", "0004_life"), ("generations", "0001_initial")]

    operations = [Watch(f"memory_{table}", "memories") for table in TABLES]
