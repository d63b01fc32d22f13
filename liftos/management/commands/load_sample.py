"""`manage.py load_sample`: load the sample organisation, with an API key and an administrator."""

import json
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.db import connections, transaction
from django.utils.text import slugify

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import OrganisationExists, create_api_key, create_organisation
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from liftos.sample import NAME, sample_memories
from liftos.sample.judgements import load_judgements
from liftos.sample.space import add_sample_space
from liftos.sample.workflows import ensure_workflows
from memory.operations import remember_many

ADMIN = "admin"


class Command(ObservedCommand):
    help = "Load the sample organisation if it does not exist. Prints a new API key and administrator password as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            organisation = self._organisation()
            _, token = create_api_key(organisation=organisation.id, by=SYSTEM, name="sample")
            password = secrets.token_urlsafe(12)
            user, _ = User.objects.get_or_create(
                username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
            )
            user.set_password(password)
            user.save()
        # after the commit: a run's steps use their own transactions
        ensure_workflows(organisation)
        _analyse()
        credentials = {
            "org": organisation.slug,
            "api_key": token,
            "admin_user": ADMIN,
            "admin_password": password,
        }
        self.stdout.write(json.dumps(credentials))

    def _organisation(self) -> Organisation:
        try:
            organisation = create_organisation(name=NAME, by=SYSTEM)
        except OrganisationExists:
            return get_organisation(slugify(NAME))
        drafts = list(sample_memories())
        stored = remember_many(organisation=organisation.id, by=SYSTEM, drafts=drafts)
        memories = {draft.external_id: each.id for draft, each in zip(drafts, stored, strict=True)}
        load_judgements(organisation=organisation.id, memories=memories)
        add_sample_space(organisation.id)
        return organisation


def _analyse() -> None:
    """Update planner statistics: connections keep plans made for empty tables (measured: 6 ms a search instead of 4)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
