"""Vectors that callers give: of the organisation's model, which must be named where it could be another."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager, reset_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.embeddings import clear_choices
from memory.models import Memory, MemoryVector
from memory.reembedding import flip

VECTOR = [1.0] + [0.0] * 383
ROUTES = ("/api/v1/memories", "/store")


@pytest.fixture
def moved(acme):
    """An organisation that has moved from MiniLM to bge-small."""
    for name in ("minilm", "bge-small"):
        flip(organisation=acme.organisation, by=SYSTEM, manager=get_manager(name))
    yield acme
    reset_manager()
    clear_choices()


def vectors(caller):
    with tenant_transaction(caller.organisation):
        return list(MemoryVector.objects.values_list("model_id", flat=True))


def bulk(caller, *lines):
    body = "\n".join(json.dumps(line) for line in lines)
    response = caller.send("/api/v1/memories/bulk", body, "application/x-ndjson")
    assert response.status_code in (200, 201, 207), response.content
    return response.json()


def test_an_organisation_of_one_model_takes_unnamed_vectors(acme):
    acme.store("one", embedding=VECTOR)

    assert vectors(acme) == [model_number(get_manager().model)]


def test_an_organisation_that_has_moved_wants_the_name(moved):
    answer = moved.post("/api/v1/memories", {"content": "one", "embedding": VECTOR})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["loc"][-1] == "embedding_model"
    assert "all-MiniLM-L6-v2" in answer.json()["detail"]
    assert "bge-small-en-v1.5" in answer.json()["detail"]
    with tenant_transaction(moved.organisation):
        assert not Memory.objects.exists()


@pytest.mark.parametrize("form", ["bge-small", "{0.name}", "{0.name} {0.version}"])
def test_a_named_vector_is_stored(moved, form):
    model = get_manager("bge-small").model

    moved.store("one", embedding=VECTOR, embedding_model=form.format(model))

    assert vectors(moved) == [model_number(model)]


@pytest.mark.parametrize(
    "named", ["minilm", "all-MiniLM-L6-v2-onnx-int8", "text-embedding-3-small", "BGE-SMALL"]
)
def test_a_vector_of_another_model_is_refused(moved, named):
    answer = moved.post("/api/v1/memories", {"content": "one", "embedding": VECTOR, "embedding_model": named})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][-1] == "embedding_model"


def test_a_vector_of_another_dimension_is_refused_by_its_field(moved):
    answer = moved.post("/api/v1/memories", {"content": "one", "embedding": [1.0, 0.0]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][-1] == "embedding"


def test_a_name_without_a_vector_is_refused(acme):
    answer = acme.post("/api/v1/memories", {"content": "one", "embedding_model": "minilm"})

    assert answer.status_code == 422
    assert "embedding_model" in answer.json()["detail"]


def test_bulk_lines_are_checked_one_by_one(moved):
    answer = bulk(
        moved,
        {"content": "unnamed", "embedding": VECTOR},
        {"content": "named", "embedding": VECTOR, "embedding_model": "bge-small"},
        {"content": "wrong", "embedding": VECTOR, "embedding_model": "minilm"},
        {"content": "without"},
    )

    statuses = {each["line"]: each["status"] for each in answer["results"]}
    assert statuses == {1: 422, 2: 201, 3: 422, 4: 201}


def test_import_lines_are_checked_too(moved, tmp_path):
    path = tmp_path / "memories.jsonl"
    lines = [
        {"content": "unnamed", "embedding": VECTOR},
        {"content": "named", "embedding": VECTOR, "embedding_model": "bge-small"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))

    with pytest.raises(CommandError, match="1"):
        call_command("import_memories", moved.slug, path, stdout=StringIO(), stderr=StringIO())

    with tenant_transaction(moved.organisation):
        assert list(Memory.objects.values_list("content", flat=True)) == ["named"]


def test_back_at_the_first_model_the_name_is_still_wanted(moved):
    flip(organisation=moved.organisation, by=SYSTEM, manager=get_manager("minilm"))

    answer = moved.post("/api/v1/memories", {"content": "one", "embedding": VECTOR})

    assert answer.status_code == 422
    moved.store("one", embedding=VECTOR, embedding_model="minilm")
