from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.query_terms import query_terms
from memory.analysis.words import MAX_TERM, count_terms, terms_of


def test_stems_and_folds():
    assert terms_of("Running RUNS run") == ["run", "run", "run"]


def test_full_width_letters_are_the_same_word():
    assert terms_of("\uff23\uff41\uff54") == terms_of("cat")


def test_both_apostrophes_are_one():
    assert terms_of("brand\u2019s") == terms_of("brand's")


def test_numbers_and_accents_are_words():
    assert terms_of("Q3 café 12") == ["q3", "café", "12", "cafe"]


def test_text_without_spaces_becomes_characters_and_pairs():
    assert terms_of("東京都庁") == ["東京", "京都", "都庁", *"東京都庁"]


def test_one_character_without_spaces_is_a_term():
    assert terms_of("猫") == ["猫"]


@given(st.text(max_size=500))
def test_any_text_gives_bounded_non_empty_terms(text):
    terms = terms_of(text)
    assert all(0 < len(term) <= MAX_TERM for term in terms)
    assert sum(count_terms(text).values()) == len(terms)


@given(st.text(max_size=200))
def test_removal_produces_the_stored_terms(text):
    assert count_terms(text) == count_terms(text)


def test_function_words_are_removed_from_queries():
    assert query_terms("What did Anna's boots do in the rain?").counts == count_terms("Anna's boots rain")
    assert query_terms("what's up with boots").counts == count_terms("boots")


def test_a_query_of_function_words_alone_is_still_a_query():
    assert query_terms("to be or not to be").counts == count_terms("to be or not to be")
    assert query_terms("").counts == {}
