"""Migration operations that make Postgres itself keep organisations apart."""

from django.conf import settings
from django.db import migrations

# The nullif matters: a pooled connection on which the setting was once made local reports '' afterwards, and
# ''::uuid raises instead of matching nothing.
CURRENT = "nullif(current_setting('liftos.organisation', true), '')::uuid"


class IsolateTenant(migrations.RunSQL):
    """Enable and FORCE row-level security on a table with an `organisation_id` column."""

    def __init__(self, table: str) -> None:
        """Build the policy for one table."""
        self.table = table
        super().__init__(
            sql=[
                f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
                f'CREATE POLICY tenant ON "{table}" USING (organisation_id = {CURRENT}) '
                f"WITH CHECK (organisation_id = {CURRENT})",
            ],
            reverse_sql=[
                f'DROP POLICY tenant ON "{table}"',
                f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
            ],
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {})


class OwnerMayLookUp(migrations.RunSQL):
    """Let the owner read such rows across organisations: only its SECURITY DEFINER functions run as the owner."""

    def __init__(self, table: str, condition: str = "true") -> None:
        """Build the policy for one table; `condition` narrows the rows to what its functions ask for."""
        self.table, self.condition = table, condition
        super().__init__(
            sql=f'CREATE POLICY owner_looks_up ON "{table}" FOR SELECT TO CURRENT_USER USING ({condition})',
            reverse_sql=f'DROP POLICY owner_looks_up ON "{table}"',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {"condition": self.condition})


class AppendOnly(migrations.RunSQL):
    """Refuse UPDATE and TRUNCATE, and DELETE unless `deletable`, to everybody: revoked rights and triggers."""

    def __init__(self, table: str, *, deletable: bool = False) -> None:
        """Build the triggers for one table."""
        self.table, self.deletable = table, deletable
        verbs = ["UPDATE"] if deletable else ["UPDATE", "DELETE"]
        super().__init__(
            sql=[
                f'CREATE TRIGGER append_only BEFORE {" OR ".join(verbs)} ON "{table}" '
                "FOR EACH ROW EXECUTE FUNCTION liftos_refuse_change()",
                f'CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION liftos_refuse_change()",
                f'REVOKE {", ".join(verbs)}, TRUNCATE ON "{table}" FROM "{settings.LIFTOS_APP_ROLE}"',
            ],
            reverse_sql=[
                f'DROP TRIGGER append_only ON "{table}"',
                f'DROP TRIGGER append_only_truncate ON "{table}"',
            ],
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, bool]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {"deletable": self.deletable})
