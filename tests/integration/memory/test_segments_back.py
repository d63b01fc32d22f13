"""Migrating back from segments has the earlier version's worker index again what they held."""

import pytest
from django.core.management import call_command

from liftos.kernel.db.transactions import whole_tenant
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.postings.packing import pack_rows
from memory.models import IndexState
from memory.operations import remember_many
from memory.types import MemoryDraft


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_an_organisation_with_segments_is_to_be_indexed_again():
    packed, other = (create_organisation(name=name, by=SYSTEM).id for name in ("packed", "other"))
    for each in (packed, other):
        remember_many(organisation=each, by=SYSTEM, drafts=[MemoryDraft("boots and hats")])
    with whole_tenant(packed):
        assert pack_rows(packed) == 1
    call_command("migrate", "memory", "0035", database="owner", verbosity=0)
    try:
        with whole_tenant(packed):
            assert IndexState.objects.get().analyser == ""
        with whole_tenant(other):
            assert IndexState.objects.get().analyser != ""
    finally:
        call_command("migrate", database="owner", verbosity=0)
