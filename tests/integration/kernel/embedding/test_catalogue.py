"""Process caches of written rows never remember rolled back transactions."""

import pytest
from django.conf import settings
from django.db import transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index import planner_statistics
from memory.operations import commit_many, prepare, remember_many
from memory.types import MemoryDraft
from spaces.memory_port import SpacesPort
from spaces.operations import prepare_dimensions
from spaces.queries import get_default
from spaces.space_templates import TEMPLATES
from tests.conftest import make_caller

MODEL = ModelInfo("of a test", "1", 8)


class Undone(Exception):
    pass


def undo(act):
    with pytest.raises(Undone), transaction.atomic():
        act()
        raise Undone


@pytest.fixture
def own(committed_db):
    return create_organisation(name="own", by=SYSTEM).id


def test_model_number_belongs_to_a_committed_row(committed_db):
    undo(lambda: model_number(MODEL))
    assert not EmbeddingModel.objects.filter(name=MODEL.name).exists()
    number = model_number(MODEL)
    assert EmbeddingModel.objects.get(name=MODEL.name).id == number == model_number(MODEL)


def test_rolled_back_default_space_is_created_again(own, monkeypatch):
    view = SpacesPort()
    dimensions = TEMPLATES[settings.LIFTOS_DEFAULT_SPACE].dimensions
    prepared = prepare_dimensions(organisation=own, dimensions=dimensions)
    with monkeypatch.context() as patch:
        patch.setattr("spaces.operations.prepare_dimensions", lambda **asked: prepared)
        undo(lambda: view.expect(own))
    view.expect(own)
    with tenant_transaction(own):
        assert get_default(organisation=own) is not None


def test_rolled_back_analyse_is_repeated(own, monkeypatch):
    monkeypatch.setattr(planner_statistics, "_analysed", set())
    drafts = [MemoryDraft(f"number {number}") for number in range(planner_statistics.LEAST)]
    prepared = prepare(own, drafts)
    undo(lambda: commit_many(organisation=own, by=SYSTEM, prepared=prepared))
    assert not planner_statistics._analysed
    remember_many(organisation=own, by=SYSTEM, drafts=drafts)
    assert planner_statistics._analysed


def test_request_after_a_rolled_back_one_stores(committed_db, monkeypatch):
    """The first store of an installation fails after its model was registered; under a key it runs in one transaction."""
    caller = make_caller("Acme")
    key = {"idempotency-key": "k"}
    with monkeypatch.context() as broken:

        def fail(*args, **kwargs):
            raise RuntimeError

        broken.setattr("memory.store_record.record", fail)
        assert caller.post("/store", {"content": "first"}, **key).status_code == 500
    stored = caller.post("/store", {"content": "first"}, **key)
    assert stored.status_code == 200
    assert stored.json()["data"]["enhanced_features"]["embedding_generated"] is True
    assert [hit["content"] for hit in caller.search("first", search_type="neural")] == ["first"]
