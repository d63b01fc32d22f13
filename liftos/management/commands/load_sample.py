"""`manage.py load_sample`: load the sample organisation, with an API key and an administrator."""

import json
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.db import connections, transaction
from django.utils.text import slugify

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import OrganisationExists, create_api_key, create_organisation
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from liftos.sample import NAME, sample_memories
from liftos.sample.judgements import load_judgements
from liftos.sample.space import add_sample_space
from liftos.sample.workflows import ensure_workflows
from memory.models import Memory
from memory.operations import commit_many, prepare
from spaces.models import Space

ADMIN = "admin"


class Command(ObservedCommand):
    help = "Load the sample organisation if it does not exist. Prints a new API key and administrator password as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = _ensure_organisation()
        with transaction.atomic():
            _, token = create_api_key(organisation=organisation.id, by=SYSTEM, name="sample")
            password = secrets.token_urlsafe(12)
            user, _ = User.objects.get_or_create(
                username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
            )
            user.set_password(password)
            user.save()
        ensure_workflows(organisation)
        _analyse()
        credentials = {
            "org": organisation.slug,
            "api_key": token,
            "admin_user": ADMIN,
            "admin_password": password,
        }
        self.stdout.write(json.dumps(credentials))


def _ensure_organisation() -> Organisation:
    """Return the sample organisation, with memories and a space; what an interrupted load left out is added."""
    try:
        organisation = create_organisation(name=NAME, by=SYSTEM)
    except OrganisationExists:
        organisation = get_organisation(slugify(NAME))
    with tenant_transaction(organisation.id):
        has_memories = Memory.objects.filter(organisation_id=organisation.id).exists()
        has_space = Space.objects.filter(organisation_id=organisation.id).exists()
    if not has_memories:
        drafts = list(sample_memories())
        prepared = prepare(organisation.id, drafts)
        with tenant_transaction(organisation.id):
            stored = commit_many(organisation=organisation.id, by=SYSTEM, prepared=prepared)
            memories = {draft.external_id: each.id for draft, each in zip(drafts, stored, strict=True)}
            load_judgements(organisation=organisation.id, memories=memories)
    if not has_space:
        add_sample_space(organisation.id)
    return organisation


def _analyse() -> None:
    """Update planner statistics: connections keep plans made for empty tables (measured: 6 ms a search instead of 4)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
