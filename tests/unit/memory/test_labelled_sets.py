"""Reading labelled sets: a malformed file is named with its line or place."""

import json
import re

import pytest
from django.core.management import CommandError, call_command

from memory.analysis.query_terms import query_terms
from memory.analysis.words import terms_of
from memory.evaluation.sets import kind_of, read_set, with_foreign_questions
from memory.evaluation.types import Kind, UnreadableSet
from tests.data.retrieval import FOLDER
from tests.data.retrieval.long_documents import write_documents

LANGUAGE = {"paragraphs": ["Un pont", "Une route"], "questions": [["Quel pont ?", 0]]}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def documents(folder, questions, text="one\ntwo three"):
    write(folder / "report.txt", text)
    return write(folder / "questions.tsv", questions).parent


def test_paraphrases_are_facts_and_questions(tmp_path):
    path = write(tmp_path / "p.tsv", "\ufeffA fact\tA question?\r\n\nA fact\tAnother?\n\tUnanswerable?\n")
    (collection,) = read_set(path).collections
    assert [draft.content for draft in collection.drafts] == ["A fact"]
    identity = collection.drafts[0].external_id
    assert [(each.text, each.relevant) for each in collection.questions] == [
        ("A question?", {identity: 1}),
        ("Another?", {identity: 1}),
        ("Unanswerable?", {}),
    ]
    assert [each.text for each in collection.answerable] == ["A question?", "Another?"]


def test_each_language_is_a_haystack_and_all_are_one(tmp_path):
    for name in ("fr", "it"):
        write(tmp_path / f"{name}.json", json.dumps(LANGUAGE))
    french, italian, together = read_set(tmp_path).collections
    assert [draft.external_id for draft in together.drafts] == ["fr-0", "fr-1", "it-0", "it-1"]
    assert french.haystack == italian.haystack != together.haystack
    assert [(each.group, each.relevant) for each in together.questions] == [
        ("fr", {"fr-0": 1}),
        ("it", {"it-0": 1}),
    ]


def test_one_language_is_one_haystack(tmp_path):
    path = write(tmp_path / "fr.json", json.dumps(LANGUAGE))
    (only,) = read_set(path, Kind.LANGUAGES).collections
    assert only.name == "fr"


def test_a_long_document_has_an_answer_text(tmp_path):
    folder = documents(tmp_path, "report\tWhat?\ttwo  three\nreport.txt\tWhat else?\tone two\n")
    (collection,) = read_set(folder).collections
    assert [(each.relevant, each.answer) for each in collection.questions] == [
        ({"report.txt": 1}, "two  three"),
        ({"report.txt": 1}, "one two"),
    ]
    assert collection.drafts[0].content == "one\ntwo three"


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.tsv"], Kind.PARAPHRASES),
        (["a.json"], Kind.LOCOMO),
        (["a/corpus.jsonl", "a/queries.jsonl"], Kind.BEIR),
        (["a/fr.json", "a/README.md"], Kind.LANGUAGES),
        (["a/x.txt", "a/questions.tsv"], Kind.DOCUMENTS),
    ],
)
def test_the_path_tells_the_kind(tmp_path, names, kind):
    for name in names:
        write(tmp_path / name, "")
    assert kind_of(tmp_path / names[0].partition("/")[0]) is kind


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.tsv", "A fact\tA question?\nonly a fact\n", r"p\.tsv line 2: 1 columns, expected 2"),
        ("p.tsv", "a\tb\tc\n", r"p\.tsv line 1: 3 columns, expected 2.*fact, question"),
        ("p.tsv", "A fact\t \n", r"p\.tsv line 1: no question"),
        ("p.tsv", b"A fact\tA question?\n\xff\tb\n", r"p\.tsv line 2: not UTF-8"),
        ("p.tsv", "\tonly unanswerable\n", r"p\.tsv contains no questions"),
        ("p.tsv", "", r"p\.tsv contains no questions"),
        ("x.csv", "a,b", r"x\.csv is neither .* --kind"),
        ("locomo.json", b"[\n\xff]", r"locomo\.json line 2: not UTF-8"),
        ("l/fr.json", '{\n"paragraphs": [,]}', r"fr\.json line 2: invalid JSON"),
        ("l/fr.json", "[]", r"fr\.json: not a JSON object"),
        ("l/fr.json", '{"paragraphs": "x"}', r"fr\.json: 'paragraphs' is not a list"),
        ("l/fr.json", '{"paragraphs": ["x"]}', r"fr\.json: 'questions' is not a list"),
        ("l/fr.json", '{"paragraphs": ["x", " "], "questions": []}', r"fr\.json: paragraphs\[1\]"),
        ("l/fr.json", '{"paragraphs": ["x"], "questions": [["?", 1]]}', r"fr\.json: questions\[0\]: no paragraph 1"),
        ("l/fr.json", '{"paragraphs": ["x"], "questions": [["?", -1]]}', r"questions\[0\]: no paragraph -1"),
        ("l/fr.json", '{"paragraphs": ["x"], "questions": [["?", true]]}', r"questions\[0\] is not \[text"),
        ("l/fr.json", '{"paragraphs": ["x"], "questions": [["?", 0], "?"]}', r"questions\[1\] is not \[text"),
        ("l/fr.json", '{"paragraphs": ["x"], "questions": []}', "contains no questions"),
        ("b/corpus.jsonl", '{"_id": "d", "text": "x"}\n{"_id": \n', r"corpus\.jsonl line 2: not a JSON object"),
        ("b/corpus.jsonl", b'{"_id": "d", "text": "x"}\n\xff\n', r"corpus\.jsonl line 2: not UTF-8"),
        ("b/corpus.jsonl", '{"_id": "d", "text": "x"}\n', r"qrels contains no \.tsv file"),
        ("p.tsv", "A \0 fact\tA question?\n", r"p\.tsv, p, memory 'fact-1': the text contains a NUL"),
        ("p.tsv", "A fact\tA \0 question?\n", r"p\.tsv, p, question .*: the text contains a NUL"),
        ("l/fr.json", '{"paragraphs": ["\\ud800"], "questions": [["?", 0]]}', "memory 'fr-0': .* lone surrogate"),
        ("e/readme.txt", "x", "contains neither corpus.jsonl"),
    ],
)  # fmt: skip
def test_a_malformed_set_is_named_without_traceback(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    given = path if path.parent == tmp_path else path.parent
    with pytest.raises(CommandError, match=message):
        call_command("evaluate_retrieval", str(given))


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ("report\tWhat?\n", r"questions\.tsv line 1: 2 columns, expected 3"),
        ("report\tWhat?\tone\nletter\tWhat?\tone\n", r"questions\.tsv line 2: no document 'letter'"),
        ("report\t\tone\n", r"questions\.tsv line 1: no question"),
        ("report\tWhat?\t\n", r"questions\.tsv line 1: no answer text"),
        ("report\tWhat?\tfour\n", r"questions\.tsv line 1: report\.txt does not contain 'four'"),
    ],
)
def test_a_malformed_question_about_a_document_is_named(tmp_path, questions, message):
    with pytest.raises(UnreadableSet, match=message):
        read_set(documents(tmp_path, questions))


def test_a_missing_path_and_an_unknown_kind_are_named(tmp_path):
    with pytest.raises(CommandError, match="nowhere can't be read"):
        call_command("evaluate_retrieval", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match=r"nowhere/corpus\.jsonl can't be read"):
        call_command("evaluate_retrieval", str(tmp_path / "nowhere"), "--kind", "beir")
    with pytest.raises(CommandError, match="invalid choice: 'poems'"):
        call_command("evaluate_retrieval", str(tmp_path), "--kind", "poems")


def test_foreign_questions_are_spread_over_the_other_collections(tmp_path):
    names = {
        "a": "".join(f"fact {n}\tquestion a{n}\n" for n in range(4)) + "\tunanswerable\n",
        "b": "b\tquestion b\n",
    }
    first, second = with_foreign_questions(
        [read_set(write(tmp_path / f"{name}.tsv", content)) for name, content in names.items()]
    )
    (a,), (b,) = first.collections, second.collections
    assert [each.text for each in a.foreign] == ["question b"]
    assert [each.text for each in b.foreign] == ["question a0"]
    assert not any(each.relevant for each in a.foreign + b.foreign)


def test_a_haystack_with_all_questions_has_no_foreign_ones(tmp_path):
    for name in ("fr", "it"):
        write(tmp_path / f"{name}.json", json.dumps(LANGUAGE))
    (found,) = with_foreign_questions([read_set(tmp_path)])
    assert [len(each.foreign) for each in found.collections] == [1, 1, 0]


def test_long_documents_are_the_same_each_time_and_hold_their_fact_on_page_17(tmp_path):
    write_documents(tmp_path / "one")
    write_documents(tmp_path / "two")
    (first,), (second,) = (read_set(tmp_path / name).collections for name in ("one", "two"))
    assert first.drafts == second.drafts
    texts = {draft.external_id: draft.content for draft in first.drafts}
    assert len(texts) == len(first.questions) == 20
    for question in first.questions:
        (name,) = question.relevant
        pages = texts[name].split("\f")
        assert (len(pages), [number for number, page in enumerate(pages, 1) if question.answer in page]) == (
            20,
            [17],
        )
        sentences = re.findall(r"[A-Z][^.]+\.", texts[name])
        assert len(set(sentences)) > 0.75 * len(sentences)
        assert not set(query_terms(question.text).counts) & set(query_terms(question.answer).counts), (
            question.text
        )


def test_our_paraphrases_share_no_content_word_with_their_facts():
    (collection,) = read_set(FOLDER / "paraphrases.tsv").collections
    assert (len(collection.answerable), len(collection.questions)) == (60, 82)
    facts = {draft.external_id: draft.content for draft in collection.drafts}
    for question in collection.answerable:
        (identity,) = question.relevant
        content_words = set(query_terms(facts[identity]).counts)
        assert not content_words & set(query_terms(question.text).counts), question.text
    anywhere = {term for fact in facts.values() for term in terms_of(fact)}
    distracted = [each for each in collection.answerable if anywhere & set(query_terms(each.text).counts)]
    assert len(distracted) > 40


def test_our_languages_have_a_question_about_each_paragraph():
    *languages, together = read_set(FOLDER / "languages").collections
    assert len(languages) == 15
    assert len(together.questions) == sum(len(each.drafts) for each in languages) == 210
    for language in languages:
        asked = {identity for question in language.questions for identity in question.relevant}
        assert asked == {draft.external_id for draft in language.drafts}
