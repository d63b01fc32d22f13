# ruff: noqa: RUF001  texts in many scripts
"""Terms of texts and queries in other languages than English."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.languages import language_of
from memory.analysis.query_terms import MOST_VARIANTS, query_terms
from memory.analysis.words import count_terms, read_words, terms_of


def looked_for(query, *languages):
    """Return what a query is looked for as, with weights."""
    read = query_terms(query, languages)
    found = {}
    for term in read.counts:
        found |= read.variants.get(term, {term: 1.0})
    return found


def finds(query, text, *languages):
    """Return the weight of the best term that a query and a text share, 0 for none."""
    terms = count_terms(text)
    return max((weight for term, weight in looked_for(query, *languages).items() if term in terms), default=0)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("les équipes", "L'équipe du matin a gagné contre celle du soir."),
        ("azienda", "Il bilancio dell'azienda è stato approvato."),
        ("dell\u2019azienda", "L'azienda ha chiuso il bilancio."),
        ("ilyas", "On dit qu'Ilyas est parti."),
        ("OBrien", "O'Brien signed the contract."),
        ("o\uff07brien", "OBrien signed the contract."),
        ("O\u02bcBrien", "The contract of O’Brien is signed."),
        ("İstanbul", "İstanbul'daki atölyede çalışmaya başladılar."),
        ("istanbul", "İSTANBUL'DA bir toplantı var."),
        ("ISPARTA", "Isparta'dan gül yağı geldi ve depoya kondu."),
        ("straße", "Die STRASSE ist gesperrt, und der Bus fährt nicht."),
        ("Müller", "Herr Mueller hat den Vertrag unterschrieben."),
        ("किताबें", "यह किताब पुस्तकालय में है।"),
        ("कलम", "उसने क़लम खरीदी है।"),
        ("كتاب", "قرأت الكِتَابَ في المكتبة."),
        ("احمد", "وصل أحمد إلى المكتب."),
        ("مدرســـة", "هذه المدرسة كبيرة."),
        ("الحريق", "نظام إنذار الحرائق في المبنى."),
        ("کتاب", "كتاب جديد في المكتبة."),
        ("น้ำมัน", "เราซื้อน้ำมันพืชทุกสัปดาห์"),
        ("仓库", "我们的新仓库在河边。"),
        ("猫", "黒猫がいます。"),
        ("공장", "공장에서는 원료를 확인합니다."),
        ("склады", "Товар лежит на складе в Минске."),
        ("еж", "Ёж живёт в саду."),
        ("αποθηκη", "Η αποθήκη είναι γεμάτη."),
        ("co\u00adoperation", "cooperation with suppliers"),
        ("zero\u200bwidth", "zerowidth"),
        ("\u202bboots\u202c", "boots"),
        ("٣٤٥", "order 345"),
        ("２０２６", "in 2026"),
        ("🚀", "🚀"),
        ("👍🏽", "👍"),
        ("❤️", "We ❤ it"),
        ("🇫🇷", "Office 🇫🇷 opened"),
    ],
)
def test_a_query_finds_another_spelling(query, text):
    assert finds(query, text, language_of(text)) >= 0.5


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Steuer", "Die Umsatzsteuererhöhung wurde gestern im Parlament beschlossen."),
        ("Umsatzsteuer", "Die Umsatzsteuererhöhung wurde gestern im Parlament beschlossen."),
        ("Erhöhung", "Die Umsatzsteuererhöhung wurde gestern im Parlament beschlossen."),
        ("Umsatzsteuererhöhung", "Die Steuer wurde gestern vom Parlament erhöht."),
        ("Müll", "Der Sperrmüll wird auf Antrag abgeholt und nicht berechnet."),
        ("tomaten", "De tomatenplukkers beginnen om zes uur in de kas."),
        ("pensioen", "Het pensioenfonds keert vanaf zevenenzestig jaar uit."),
        ("skatt", "Regeringen har beslutat om en fastighetsskatt för alla kommuner."),
    ],
)
def test_compounds_are_found_by_their_parts_but_weaker(query, text):
    assert 0 < finds(query, text, "de", "nl", "sv") < 1
    assert finds(query, f"{query} {text}", "de", "nl", "sv") == 1


def test_a_missing_accent_counts_less_than_the_right_spelling():
    assert finds("équipe", "une équipe de la maison", "fr") == 1.0
    assert 0 < finds("équipe", "equipe", "fr") < 1.0
    assert finds("equipe", "une équipe de la maison", "fr") == 1.0


def test_decomposed_and_composed_texts_have_the_same_terms():
    for text in ("L'équipe près de Düsseldorf", "Hội đồng quản trị", "क़लम", "İstanbul'daki"):
        assert terms_of(unicodedata.normalize("NFD", text)) == terms_of(unicodedata.normalize("NFC", text))


def test_plain_english_has_one_term_a_word():
    text = "The team's boots weren't delivered to Springfield, so we refunded 3 orders."
    assert len(terms_of(text)) == len(text.split())


def test_names_of_languages_and_versions_are_exact_terms():
    assert {"c++", "c#", "2.3.1"} <= set(terms_of("C++ and C# clients of v2.3.1."))
    assert "c++" not in terms_of("plan c + d")
    assert finds("SKU-4431", "SKU 4431") == 1.0
    assert finds("v2.3.1", "released v2.3.1 today") == 1.0


def test_function_words_of_the_querys_language_are_dropped():
    assert set(query_terms("Qui est le directeur de la fabrique ?").counts) == {"directeur", "fabriqu"}
    assert set(query_terms("Wer hat den Vertrag unterschrieben?").counts) == {"vertrag", "unterschrieb"}
    assert set(query_terms("Кто подписал договор?").counts) == {"подписа", "договор"}


def test_a_long_word_has_a_bounded_number_of_variants():
    word = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrente"
    read = query_terms(word, ["de", "nl", "sv", "da", "no", "fi", "hu", "et", "is"])
    assert [len(each) for each in read.variants.values()] == [MOST_VARIANTS]
    assert next(iter(read.counts)) in next(iter(read.variants.values()))


def test_a_query_is_read_in_its_own_language_the_organisations_and_english():
    variants = query_terms("general conditions", ["fr", "de"]).variants
    assert variants["condit"] == {"condit": 1.0, "condition": 1.0, "_condi": 0.6} | {
        term: 0.5 for term in variants["condit"] if variants["condit"][term] == 0.5
    }
    assert query_terms("general conditions").variants == {}


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from(["the", "don't", "l'or", "und", "of", "é", "9.1.2", "c++"])).map(" ".join),
    )
)
def test_reading_at_once_gives_the_same_language_and_terms(text):
    assert read_words(text) == (language_of(text), count_terms(text))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_query_has_terms_that_are_not_empty(text):
    read = query_terms(text, ["de", "ar", "ko", "th", "tr"])
    assert all(read.counts)
    assert all(term in variants and all(variants) for term, variants in read.variants.items())


@given(
    st.text(
        alphabet="\u0e00\u0e01\u0e40\u0e32\u0e34\u1000\u1039\u102b\u1780\u17d2\u3042\u6f22\u0300 '",
        max_size=60,
    )
)
def test_scripts_without_spaces_lose_no_letter(text):
    terms = "".join(terms_of(text))
    assert all(letter in terms for letter in text if unicodedata.category(letter) == "Lo")
