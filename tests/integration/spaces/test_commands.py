"""The commands of spaces."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from spaces.evaluation.ablation import run
from spaces.evaluation.labelled import SETS, read_set
from spaces.models import Space
from spaces.space_templates import TEMPLATES


def call(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def ratings(tmp_path):
    path = tmp_path / "ratings.tsv"
    texts = [
        "cheap",
        "a bargain",
        "low price",
        "inexpensive",
        "costly",
        "expensive",
        "a luxury",
        "high price",
    ]
    path.write_text(
        "rating\ttext\n" + "\n".join(f"{number}\t{text}\t0.1" for number, text in enumerate(texts))
    )
    return path


def test_validate_space_compares_with_ratings(ratings):
    asked = ("validate_space", "--ratings", str(ratings), "--examples", "3", "--splits", "5", "--json")
    found = json.loads(call(*asked, "--low", "cheap", "low cost", "--high", "expensive", "high cost"))
    assert found["texts"] == 8
    assert found["poles"] > 0.5
    assert found["splits"] == 5


@pytest.mark.parametrize(
    "args",
    [
        ("--ratings", "/nowhere", "--low", "a", "--high", "b"),
        ("--ratings", "{ratings}", "--low", "a"),
        ("--ratings", "{ratings}", "--low", "same", "--high", "same"),
        ("--ratings", "{ratings}", "--low", "a", "--high", "b", "--examples", "20"),
        ("--ratings", "{ratings}", "--low", "a", "--high", "b", "--examples", "1"),
        (),
        ("nowhere", "x"),
    ],
)
def test_invalid_validation_is_reported_in_one_line(db, ratings, args):
    with pytest.raises(CommandError):
        call("validate_space", *[each.format(ratings=ratings) for each in args])


def test_a_line_without_a_rating_is_named(tmp_path):
    path = tmp_path / "bad.tsv"
    path.write_text("1\tgood\nbad line\n")
    with pytest.raises(CommandError, match="line 2"):
        call("validate_space", "--ratings", str(path), "--low", "a", "--high", "b")


def test_space_is_created_from_a_template_and_reported(db):
    organisation = create_organisation(name="Acme", by=SYSTEM)
    made = json.loads(call("create_space", organisation.slug, "--template", "feedback", "--json"))
    with tenant_transaction(organisation.id):
        space = Space.objects.get(id=made["id"])
    assert (space.name, space.holds_all) == ("Customer feedback", True)
    text = call("validate_space", organisation.slug, "customer feedback")
    assert "urgency" in text
    assert "sd apart" in text
    reports = json.loads(call("validate_space", organisation.slug, made["id"], "--json"))
    assert [each["name"] for each in reports][:2] == ["sentiment", "severity"]
    with pytest.raises(CommandError, match="A space called"):
        call("create_space", organisation.slug, "--template", "feedback")
    with pytest.raises(CommandError, match="No organisation called"):
        call("create_space", "nowhere")


@pytest.mark.parametrize("name", SETS)
def test_a_labelled_set_answers_every_query(name):
    sentences, queries = read_set(name)
    known = {each.name for each in TEMPLATES[name].dimensions}
    assert all(any(query.matches(each) for each in sentences) for query in queries)
    assert all(each.labels.keys() <= known for each in sentences)


def test_conceptual_arm_improves_hybrid_search_in_a_space(db):
    """This is why it joins hybrid search where a space is named; figures in docs/spaces.md."""
    for name in SETS:
        rows, _ = run(name)
        found = {row.way: row.ndcg_10 for row in rows}
        assert found["hybrid"] > found["hybrid without conceptual"] + 0.05
