"""Organisations, their API keys and their members."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.constraints import known_values
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import Role


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


class ApiKey(models.Model):
    """A credential of one organisation. Only the SHA-256 of its 256-bit random secret is stored."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="membership_once"),
            known_values("role", Role, "membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"
