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


class DatedByDatabase(migrations.RunSQL):
    """Have `recorded_at` (or another column) of new rows set to the database's clock, whatever the writer sends."""

    def __init__(self, table: str, column: str = "recorded_at") -> None:
        """Build the trigger for one table."""
        self.table, self.column = table, column
        super().__init__(
            sql=f'CREATE TRIGGER dated_by_database BEFORE INSERT ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION liftos_date_{column}()",
            reverse_sql=f'DROP TRIGGER dated_by_database ON "{table}"',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {"column": self.column})


class OnlyMigrationsWrite(migrations.RunSQL):
    """Leave the application nothing but reading a table: its rows are the migrations' own."""

    def __init__(self, table: str) -> None:
        """Revoke the rights for one table."""
        self.table = table
        role = settings.LIFTOS_APP_ROLE
        super().__init__(
            sql=f'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "{table}" FROM "{role}"',
            reverse_sql=f'GRANT INSERT, UPDATE, DELETE ON "{table}" TO "{role}"',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {})
