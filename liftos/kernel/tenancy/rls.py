"""Migration operations by which Postgres itself isolates organisations."""

from django.conf import settings
from django.db import migrations

# nullif: once SET LOCAL has been used on a pooled connection, the setting reads as '', and ''::uuid raises instead of
# matching nothing
CURRENT = "nullif(current_setting('liftos.organisation', true), '')::uuid"
# the subselects are evaluated once per statement
VISIBLE = (
    "(scope_id = 0 OR (SELECT current_setting('liftos.sees_all', true)) = 'on'"
    " OR scope_id = ANY ((SELECT string_to_array(current_setting('liftos.scopes', true), ',')::int[])::int[]))"
)


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


class ScopeTenant(migrations.RunSQL):
    """Narrow the policy of an isolated table with a column `scope_id` to the scopes that the viewer may see.

    Rows can be neither read nor written outside of them (liftos.kernel.db.viewers).
    """

    def __init__(self, table: str) -> None:
        """Build the policy for one table."""
        self.table = table
        inside = f"organisation_id = {CURRENT} AND {VISIBLE}"
        super().__init__(
            sql=f'ALTER POLICY tenant ON "{table}" USING ({inside}) WITH CHECK ({inside})',
            reverse_sql=f'ALTER POLICY tenant ON "{table}" USING (organisation_id = {CURRENT}) '
            f"WITH CHECK (organisation_id = {CURRENT})",
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {})


class OwnerMayLookUp(migrations.RunSQL):
    """Let the owner read rows of all organisations, for its SECURITY DEFINER functions."""

    def __init__(self, table: str, condition: str = "true") -> None:
        """Build the policy for one table; `condition` limits the rows to what those functions need."""
        self.table, self.condition = table, condition
        super().__init__(
            sql=f'CREATE POLICY owner_looks_up ON "{table}" FOR SELECT TO CURRENT_USER USING ({condition})',
            reverse_sql=f'DROP POLICY owner_looks_up ON "{table}"',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table], {"condition": self.condition})


class AppendOnly(migrations.RunSQL):
    """Forbid UPDATE, TRUNCATE and, unless `deletable`, DELETE by triggers and revoked rights."""

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
    """Set `recorded_at` (or another column) of new rows from the database's clock, whatever the writer sends."""

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
    """Make a table read-only for the application: only migrations write it."""

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
