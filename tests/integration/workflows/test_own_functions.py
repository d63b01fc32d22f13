"""LIFTOS_APPS: functions of one's own, from the example project."""

import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from liftos.kernel.functions import find_function, unregister
from tests.factories.flows import step
from tests.security.world import publish_template
from workflows.own_functions import load_functions

EXAMPLE = Path(__file__).parents[3] / "examples" / "own_functions"


@pytest.fixture
def own(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [
        each for each in sys.modules if each.partition(".")[0] in {"acme_functions", "odd_functions"}
    ]:
        del sys.modules[name]
    for name in ("acme.margin", "acme.known_about", "memory.odd"):
        unregister(name)


def test_functions_of_the_example_run_in_workflows_in_each_version(acme, own):
    assert load_functions(["acme_functions"]) == ["acme.known_about@1", "acme.margin@1", "acme.margin@2"]
    acme.store("The Harbour mug is blue")
    steps = [
        step("old", "acme.margin@1", arguments={"price": 12, "cost": 6}),
        step("new", "acme.margin", arguments={"price": 12, "cost": 6}),
        step("known", "acme.known_about", arguments={"name": "Harbour mug"}),
    ]
    publish_template(acme, "margins", steps)
    run = acme.post("/api/v1/workflows/runs", {"template": "margins", "wait": True}).json()
    assert run["status"] == "completed", run
    results = {each["name"]: each["result"] for each in run["steps"]}
    assert results == {"old": 0.5, "new": 0.4, "known": {"product": "Harbour mug", "found": 1}}
    listed = acme.get("/api/v1/workflows/functions").json()["results"]
    assert {"acme.margin", "acme.known_about"} <= {each["name"] for each in listed}


def test_a_faulty_module_is_named(own):
    with pytest.raises(ImproperlyConfigured, match="can't import no_such_module: ModuleNotFoundError"):
        load_functions(["no_such_module"])
    (own / "odd_functions.py").write_text("1 / 0\n")
    with pytest.raises(ImproperlyConfigured, match="can't import odd_functions: ZeroDivisionError"):
        load_functions(["odd_functions"])


def test_a_name_of_the_product_is_refused(own):
    (own / "odd_functions.py").write_text(
        "from liftos.kernel.functions import register\n\n\n@register('memory.odd')\ndef odd(x: int) -> int:\n    '''Return x.'''\n    return x\n"
    )
    with pytest.raises(ImproperlyConfigured, match=r"memory\.odd begins like a function of LiftOS"):
        load_functions(["odd_functions"])
    assert find_function("memory.odd") is None
