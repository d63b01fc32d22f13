"""Organisations, their API keys and their members."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.constraints import known_values
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import PrincipalKind, Role


class Organisation(models.Model):
    """A tenant. The table of organisations itself is not tenant data: it has no row-level security."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name


def organisation_key() -> "models.ForeignKey[Organisation, Organisation]":
    """Return the field that ties a row to its organisation.

    The database has no foreign key for it: every insert would lock the organisation's row. Row-level security checks it.
    """
    return models.ForeignKey(Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)


class OwnedRow(models.Model):
    """A row of an organisation, with an id of its own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = organisation_key()

    class Meta:
        abstract = True


class PrincipalRecord(OwnedRow):
    """A person, an agent or a service, by its name in the organisation."""

    kind = models.CharField(max_length=20, choices=[(each.value, each.value) for each in PrincipalKind])
    name = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "tenancy_principal"
        verbose_name = "principal"
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="principal_name_once"),
            # target of composite foreign keys
            models.UniqueConstraint(fields=["organisation", "id"], name="principal_of_organisation"),
            known_values("kind", PrincipalKind, "principal_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Group(OwnedRow):
    """A team, a project: principals that share memories."""

    name = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="group_name_once"),
            models.UniqueConstraint(fields=["organisation", "id"], name="group_of_organisation"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """A principal in a group."""

    pk = models.CompositePrimaryKey("organisation_id", "group_id", "principal_id")
    organisation = organisation_key()
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members", db_index=False)
    principal = models.ForeignKey(
        PrincipalRecord, on_delete=models.CASCADE, related_name="groups", db_index=False
    )

    class Meta:
        indexes = [models.Index(fields=["organisation", "principal"], name="groups_of_principal")]

    def __str__(self) -> str:
        return f"{self.principal_id} in {self.group_id}"


class AccessScope(models.Model):
    """The readers of a row: the members of any of some groups, or one principal. Rows hold its number as `scope_id`.

    Everybody in the organisation is 0 and has no row here.
    """

    id = models.AutoField(primary_key=True)
    organisation = organisation_key()
    # sorted; empty for a principal's
    groups = ArrayField(models.UUIDField(), default=list)
    principal = models.ForeignKey(
        PrincipalRecord, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "groups"],
                name="scope_of_groups_once",
                condition=models.Q(principal=None),
            ),
            models.UniqueConstraint(
                fields=["organisation", "principal"],
                name="scope_of_principal_once",
                condition=models.Q(principal__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(principal=None) ^ models.Q(groups=[]), name="scope_of_groups_or_principal"
            ),
        ]

    def __str__(self) -> str:
        return f"scope {self.pk}"


class TokenIdentity(OwnedRow):
    """A subject of an issuer of tokens, and the principal it is (liftos.kernel.tenancy.tokens)."""

    principal = models.ForeignKey(
        PrincipalRecord, on_delete=models.CASCADE, related_name="identities", db_index=False
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    # what the most recently issued token says
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    groups = ArrayField(models.CharField(max_length=200), default=list)
    # seconds since 1970
    issued_at = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "issuer", "subject"], name="identity_once"),
            models.UniqueConstraint(fields=["organisation", "principal"], name="identity_of_principal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class BreakGlass(OwnedRow):
    """A time in which an administrator may read what only one principal, or a group, sees (docs/access.md)."""

    # who may read, and nobody else
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    principal = models.ForeignKey(
        PrincipalRecord, on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, db_index=False, related_name="+")
    reason = models.CharField(max_length=2000)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "break-glass"
        verbose_name_plural = "break-glass"
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(principal=None) ^ models.Q(group=None), name="break_glass_of_one"
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("opened_at")), name="break_glass_lasts"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="break_glass_has_reason"),
        ]
        indexes = [models.Index(fields=["organisation", "actor_id", "until"], name="break_glass_of_actor")]

    def __str__(self) -> str:
        return f"what {self.principal or self.group} sees"


class ApiKey(models.Model):
    """A credential of one organisation. Only the SHA-256 of its 256-bit random secret is stored."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
    # whom it authenticates; without one it sees only what everybody in the organisation may see
    principal = models.ForeignKey(
        PrincipalRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="api_keys"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API key"
        verbose_name_plural = "API keys"

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()


class Membership(models.Model):
    """A staff user's role in an organisation, which they may open in the admin; superusers may do everything everywhere."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    # the least privileged: members from before there were roles may only read
    role = models.CharField(
        max_length=20, default=Role.AUDITOR.value, choices=[(each.value, each.value) for each in Role]
    )
    # who they are among the organisation's people; without it they see only what everybody in the organisation may see
    principal = models.ForeignKey(
        PrincipalRecord,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="memberships",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="membership_once"),
            models.UniqueConstraint(
                fields=["organisation", "principal"], name="membership_of_principal_once"
            ),
            known_values("role", Role, "membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"


class StaffIdentity(models.Model):
    """A staff account's subject at the provider where its holder signs in (liftos.kernel.tenancy.sign_in)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identity")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="staff_identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
