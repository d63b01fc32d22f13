from django.db import migrations

from liftos.kernel.caching.change_tokens.watching import Watch

# what the conceptual arm of a search depends on
TABLES = ("space", "layout", "spaceversion", "spacedimension", "member", "concept", "conceptrelation", "position")


class Migration(migrations.Migration):
    dependencies = [("spaces", "0002_isolation"), ("generations", "0001_initial")]

    operations = [Watch(f"spaces_{table}", "spaces") for table in TABLES]
