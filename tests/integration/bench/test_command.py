import json

import pytest
from django.core.management import CommandError, call_command

from accountability.decisions.chains import get_chain
from accountability.ledger.verification import verify_log
from liftos.bench.accountability.ledger_fill import fill
from liftos.bench.registry import bench_names
from liftos.bench.search.data import DIMENSION, World, nearest, size_classes, sizes_of
from liftos.bench.types import Bench, Figure, Target
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM

pytestmark = pytest.mark.slow

KEYS = {"bench", "metric", "value", "unit", "reference", "reference_value", "ratio", "target", "met"}
TINY = ("--memories=300", "--organisations=12", "--queries=4")


def test_a_run_prints_one_object_a_line_and_leaves_no_database(committed_db, capsys):
    call_command("bench", "search", "--json", *TINY)
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(figure) == KEYS and figure["bench"] == "search" for figure in figures)
    by_metric = {figure["metric"]: figure for figure in figures}
    recall = by_metric["neural, 150 memories, no filter: recall@10"]
    assert (recall["value"], recall["target"], recall["met"]) == (1.0, ">= 0.98", True)
    assert recall["reference"] == "planner's choice"
    assert by_metric["neural, 150 memories, 1% filter: recall@10"]["value"] == 1.0
    assert by_metric["neural, 150 memories, 50% filter: most rows short"]["met"] is True
    assert by_metric["whole hybrid search, 150 memories: p95"]["met"] is None


def test_without_json_a_table(committed_db, capsys):
    call_command("bench", "search", *TINY)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["metric", "value", "unit", "target", "met", "reference", "ratio"]
    assert any("recall@10" in line and "yes" in line for line in lines)


def test_without_a_name_the_known_ones_are_listed(capsys):
    call_command("bench")
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == bench_names()
    assert {"accountability", "search"} <= set(listed)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(CommandError, match=r"no benchmark 'serach': choose one of .*search"):
        call_command("bench", "serach")


@pytest.mark.parametrize("option", ["--queries=0", "--memories=5"])
def test_a_size_that_cannot_be_run_is_refused(option):
    with pytest.raises(CommandError, match="at least"):
        call_command("bench", "search", option)


@pytest.mark.parametrize(("memories", "organisations"), [(100_000, 1_000), (300, 12), (5, 5), (1, 1)])
def test_organisation_sizes_sum_to_the_total(memories, organisations):
    sizes = sizes_of(memories, organisations)
    assert (sum(sizes), len(sizes), min(sizes) >= 1) == (memories, organisations, True)


def test_material_is_deterministic():
    one, other = World(3), World(3)
    plans = one.plans(300, 12)
    material = one.material(plans[0])
    other.plans(300, 12)
    assert material.contents == other.material(plans[0]).contents
    assert material.vectors.shape == (150, DIMENSION)
    assert nearest(material.vectors, material.vectors[7]).argmax() == 7
    assert list(size_classes(plans))[:2] == [150, 32]


def test_a_figure_says_whether_its_target_is_met():
    met = Figure("time", 2.0, "ms", "before", 8.0, Target("<=", 2)).as_json("x")
    assert (met["met"], met["ratio"], met["target"]) == (True, 0.25, "<= 2")
    missed = Figure("recall", 0.9, "share", target=Target(">=", 0.98)).as_json("x")
    assert (missed["met"], missed["ratio"], missed["reference"]) == (False, None, None)


@pytest.mark.parametrize(
    ("value", "overhead", "shown"),
    [(-0.4, True, "within noise"), (0.4, True, "yes"), (1.4, True, "NO"), (-0.4, False, "yes")],
)
def test_overhead_below_zero_is_noise(capsys, monkeypatch, value, overhead, shown):
    figure = Figure("adds", value, "ms", target=Target("<=", 1), overhead=overhead)
    bench = Bench("x", "x", lambda options: (each for each in [figure]))
    monkeypatch.setattr("liftos.bench.command.get_bench", lambda name: bench)
    call_command("bench", "x")
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split("<= 1")[1].strip() == shown
    assert figure.as_json("x")["met"] == {"yes": True, "NO": False}.get(shown, shown)


def test_filled_log_verifies(committed_db, monkeypatch):
    monkeypatch.setattr("liftos.bench.accountability.ledger_fill.BATCH", 20)
    organisation = create_organisation(name="Filled", by=SYSTEM).id
    made = fill(organisation, 45)
    with tenant_transaction(organisation):
        *_, last = verify_log(organisation)
        assert last.verdict.text == "46 records and 3 checkpoints hold"
        chain = get_chain(organisation=organisation, decision=made[25])
    assert [step.decision.id for step in chain] == made[20:30]
    assert [step.distance for step in chain] == list(range(-5, 5))


def test_bench_tracing_measures_spans_and_requests(committed_db, capsys, monkeypatch):
    monkeypatch.setattr("liftos.bench.tracing.SPANS", 200)
    call_command("bench", "tracing", "--json", "--queries=1")
    figures = {each["metric"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert [name for name, each in figures.items() if each["target"]] == [
        "span within a span", "span that is not sampled", "tracing adds to a request", "tracing adds at p95",
    ]  # fmt: skip
    assert figures["search request, traced: p50"]["reference"] == "not traced"
