# ruff: noqa: RUF001  texts in many scripts
"""Searching by words in other languages than English."""

import pytest

TEXTS = {
    "fr": "L'équipe de Lyon a livré les meules de comté avant sept heures.",
    "de": "Die Umsatzsteuererhöhung wurde gestern im Parlament beschlossen.",
    "it": "Il bilancio dell'azienda è stato approvato dal consiglio.",
    "tr": "İstanbul'daki atölyede tezgâhlar saat yedide çalışmaya başlar.",
    "ru": "Пекари приходят на склад в три часа ночи.",
    "ar": "عند انطلاق إنذار الحريق ينزل الجميع بالسلالم.",
    "hi": "चाय की पत्तियाँ सुबह छह बजे तोड़ी जाती हैं।",
    "th": "เราขายน้ำมันทอดที่เก่าแล้วให้โรงงานสบู่",
    "zh": "我们的仓库在河边的工业区。",
    "ja": "黒猫が旅館の玄関で待っています。",
    "ko": "화장품 공장에서는 원료를 확인합니다.",
    "el": "Η αποθήκη της εταιρείας είναι γεμάτη.",
    "emoji": "🚀",
    "en": "O'Brien signed the lease of the café in Dublin.",
}


@pytest.fixture
def stocked(acme):
    for text in TEXTS.values():
        acme.store(text)
    return acme


@pytest.mark.parametrize("search_type", ["knowledge", "hybrid"])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("les équipes", "fr"),
        ("equipe", "fr"),
        ("E\u0301QUIPE", "fr"),
        ("Steuer", "de"),
        ("Umsatzsteuer", "de"),
        ("azienda", "it"),
        ("istanbul", "tr"),
        ("склады", "ru"),
        ("الحرائق", "ar"),
        ("पत्ती", "hi"),
        ("น้ำมัน", "th"),
        ("仓库", "zh"),
        ("猫", "ja"),
        ("공장", "ko"),
        ("αποθηκες", "el"),
        ("🚀", "emoji"),
        ("OBrien", "en"),
        ("cafe", "en"),
    ],
)
def test_a_word_finds_the_text_that_has_it(stocked, search_type, query, wanted):
    assert stocked.search(query, search_type=search_type)[0]["content"] == TEXTS[wanted]


def test_the_right_spelling_comes_first(acme):
    for text in ("peche du jour", "pêche du jour"):
        acme.store(text)
    assert [hit["content"] for hit in acme.search("pêche", search_type="knowledge")] == [
        "pêche du jour",
        "peche du jour",
    ]
    assert [hit["content"] for hit in acme.search("peche", search_type="knowledge")] == [
        "peche du jour",
        "pêche du jour",
    ]


def test_a_word_comes_before_its_compounds(acme):
    for text in (
        "Die Umsatzsteuererhöhung wurde im Parlament beschlossen",
        "Die Steuer wurde im Parlament beschlossen",
    ):
        acme.store(text)
    found = [
        hit["content"] for hit in acme.search("Wer hat die Steuer beschlossen?", search_type="knowledge")
    ]
    assert found == [
        "Die Steuer wurde im Parlament beschlossen",
        "Die Umsatzsteuererhöhung wurde im Parlament beschlossen",
    ]


def test_a_memory_in_another_language_can_be_erased_from_the_index(acme):
    memory = acme.store(TEXTS["de"])
    acme.store("Der Parlamentsbeschluss liegt im Archiv.")
    assert acme.delete(f"/api/v1/memories/{memory}").status_code == 200
    assert acme.search("Umsatzsteuer", search_type="knowledge") == []
