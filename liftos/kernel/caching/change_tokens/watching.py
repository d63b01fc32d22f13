"""The migration operation that makes writes to a table leave marks."""

from django.db import migrations

LEAVE_A_MARK = """
CREATE FUNCTION liftos_leave_a_mark() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own bigint := pg_current_xact_id()::text::bigint;
    organisation uuid := nullif(current_setting('liftos.organisation', true), '')::uuid;
BEGIN
    IF organisation IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO generations_mark (organisation_id, thing, token, xid)
    VALUES (organisation, TG_ARGV[0], gen_random_uuid(), own);
    IF own % 64 = 0 THEN
        DELETE FROM generations_mark AS m USING (
            SELECT organisation_id, thing, token FROM generations_mark
            WHERE organisation_id = organisation AND thing = TG_ARGV[0] AND xid <> own
            FOR UPDATE SKIP LOCKED
        ) AS seen
        WHERE (m.organisation_id, m.thing, m.token) = (seen.organisation_id, seen.thing, seen.token);
    END IF;
    PERFORM set_config('liftos.marked_' || TG_ARGV[0], own || organisation::text, true);
    RETURN NULL;
END
$$
"""
LEAVE_NO_MARK = "DROP FUNCTION liftos_leave_a_mark()"


class Watch(migrations.RunSQL):
    """Make every transaction that writes to a tenant's table leave a mark for a topic.

    The trigger runs per statement; after the first statement of a transaction, it only compares a setting (1 us).
    """

    def __init__(self, table: str, thing: str) -> None:
        """Build the trigger.

        Args:
            table: with row-level security.
            thing: the topic, in letters and underscores, that functions list in `reads`.

        Raises:
            ValueError: the topic can't be part of a setting's name.
        """
        if not thing.replace("_", "").isalpha() or not thing.isascii():
            raise ValueError("a topic consists of letters and underscores")
        self.table, self.thing = table, thing
        super().__init__(
            sql=f'CREATE TRIGGER leave_a_mark AFTER INSERT OR UPDATE OR DELETE ON "{table}" FOR EACH STATEMENT '
            f"WHEN (current_setting('liftos.marked_{thing}', true) IS DISTINCT FROM "
            "pg_current_xact_id()::text || current_setting('liftos.organisation', true)) "
            f"EXECUTE FUNCTION liftos_leave_a_mark('{thing}')",
            reverse_sql=f'DROP TRIGGER leave_a_mark ON "{table}"',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        """Return the constructor call, for Django's writer."""
        return (type(self).__name__, [self.table, self.thing], {})
