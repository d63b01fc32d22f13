import json

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.slow


def test_a_small_run_gives_every_figure_and_finds_no_stale_answer(committed_db, capsys, monkeypatch):
    monkeypatch.setattr("liftos.bench.functions.ROUNDS", 1)
    monkeypatch.setattr("liftos.bench.functions.ASKED", 20)
    monkeypatch.setattr("liftos.bench.functions.STATEMENTS", 5)

    call_command("bench", "functions", "--json", "--lookups=300")

    figures = {line["metric"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    every = "300 calls, Zipf 1.0 over 1,000 arguments, a write every 100"
    assert figures[f"stale answers, {every}"]["value"] == 0
    assert 0 < figures[f"hit rate, {every}"]["value"] < 1
    assert figures["later ones: p50"]["reference"] == "unwatched"
