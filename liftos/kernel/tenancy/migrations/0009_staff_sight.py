from django.db import migrations

from liftos.kernel.tenancy.rls import OwnerMayLookUp

# Runs before a tenant is known, once for each page of the admin. Answers for one account: what it may open, and of the organisation
# that is open (the wanted one, else the first) whom it is there, its role, what it sees, and whether a break-glass is in force.
ORGANISATIONS_OF_STAFF = """
CREATE FUNCTION liftos_organisations_of_staff(account int, wanted text, moment timestamptz)
RETURNS TABLE (id uuid, slug text, name text, created_at timestamptz, is_open boolean, role text, principal uuid, own_scope int,
               visible_scopes int[], is_under_glass boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH allowed AS (
        SELECT o.id, o.slug, o.name, o.created_at, u.username, m.role, m.principal_id,
               row_number() OVER (ORDER BY o.id::text = wanted DESC, o.slug) = 1 AS is_open
        FROM auth_user AS u CROSS JOIN tenancy_organisation AS o
        LEFT JOIN tenancy_membership AS m ON m.user_id = u.id AND m.organisation_id = o.id
        WHERE u.id = account AND u.is_active AND u.is_staff AND (u.is_superuser OR m.id IS NOT NULL)
    )
    SELECT a.id, a.slug::text, a.name::text, a.created_at, a.is_open, a.role::text, a.principal_id, v.own,
           coalesce(v.scopes, '{}'),
           a.is_open AND EXISTS (
               SELECT FROM tenancy_breakglass AS g
               WHERE g.organisation_id = a.id AND g.actor_kind = 'staff' AND g.actor_id = a.username AND g.ended_at IS NULL
                 AND g.until > moment
           )
    FROM allowed AS a
    LEFT JOIN LATERAL liftos_visible_scopes(a.id, a.principal_id) AS v ON a.is_open AND a.principal_id IS NOT NULL
    ORDER BY a.slug
$$
"""


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0008_staff_identity"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        OwnerMayLookUp("tenancy_breakglass"),
        migrations.RunSQL(
            ORGANISATIONS_OF_STAFF, "DROP FUNCTION liftos_organisations_of_staff(int, text, timestamptz)"
        ),
    ]
