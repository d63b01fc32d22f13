import json

import pytest
from django.core.management import call_command
from django_redis import get_redis_connection

pytestmark = pytest.mark.slow

OWN_PREFIX = b"liftos:embedding-of-a-bench:"


def test_a_small_run_gives_every_figure_and_leaves_nothing_in_redis(committed_db, capsys, monkeypatch):
    # apart from what other tests write at the same time
    monkeypatch.setattr("liftos.kernel.embedding.shared_cache.KEY_PREFIX", OWN_PREFIX)

    call_command("bench", "embedding", "--json", "--queries=2", "--lookups=500")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {line["metric"]: line for line in lines}
    replay = "hit rate, 500 look-ups, Zipf 1.0 over 10,000 texts, 10,000 entries"
    cold = figures[f"{replay}: from empty"]
    assert cold["value"] == cold["reference_value"]  # each text was computed once, no more
    assert figures[f"{replay}: a new process, Redis warm"]["value"] == 1.0
    assert figures["hit in this process, 10,000 entries"]["reference"] == "the original's way"
    assert figures["hybrid search: never seen over seen before, a model of 50 ms"]["value"] > 1
    assert list(get_redis_connection("embeddings").scan_iter(match=OWN_PREFIX + b"*")) == []
