"""An organisation's first vectors make their model its own: another default changes nothing for it."""

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager, reset_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.embeddings import active_manager, chosen_model, clear_choices, settle_model
from memory.models import MemoryVector
from memory.operations import remember
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft

OTHER = {"bge-small": "minilm", "minilm": "bge-small"}


@pytest.fixture
def other_default(settings):
    """Return a function that changes the installation's embedder, as an upgrade does."""

    def change():
        settings.LIFTOS_EMBEDDER = OTHER[settings.LIFTOS_EMBEDDER]
        reset_manager()
        clear_choices()

    yield change
    reset_manager()
    clear_choices()


def own_model(organisation):
    with tenant_transaction(organisation):
        return chosen_model(organisation)


def found(organisation, query):
    request = SearchRequest(query, SearchType.NEURAL)
    return [str(hit.id) for hit in search(organisation=organisation, by=SYSTEM, request=request).hits]


def test_the_first_vectors_settle_the_model(organisation):
    assert own_model(organisation) is None

    remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft("Lunch is at noon."))

    assert own_model(organisation) == model_number(get_manager().model)


def test_another_default_is_for_new_organisations_only(organisation, other_default):
    first = remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft("Lunch is at noon."))
    before = get_manager().model

    other_default()

    assert get_manager().model != before
    assert active_manager(organisation).model == before
    assert found(organisation, "when do we eat?") == [str(first.id)]
    second = remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft("Dinner is at seven."))
    with tenant_transaction(organisation):
        assert set(MemoryVector.objects.values_list("model_id", flat=True)) == {model_number(before)}
    assert str(second.id) in found(organisation, "when do we eat?")
    new = create_organisation(name="New", by=SYSTEM).id
    assert active_manager(new).model == get_manager().model


def test_an_organisation_without_vectors_follows_the_default(organisation, other_default):
    remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft("\u200b"))
    other_default()

    assert active_manager(organisation).model == get_manager().model


def test_the_first_of_two_models_stays(organisation):
    one, two = (model_number(get_manager(name).model) for name in OTHER)

    with tenant_transaction(organisation):
        assert settle_model(organisation, None) is None
        assert settle_model(organisation, one) == one
        assert settle_model(organisation, two) == one
