"""Every dashboard query and alert rule matches series that /metrics exports."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from accountability.tasks import sequence_all
from liftos.celery import app
from liftos.kernel.telemetry.metrics.worker import announce_tasks
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.health import alerts

DEPLOY = REPOSITORY / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
RULES = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())["groups"]
PANELS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
ALERTS = {rule["alert"]: rule["expr"] for group in RULES for rule in group["rules"]}
SELECTOR = re.compile(r"\b(liftos_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
# a collector of traces is the operator's, and none runs here
OPTIONAL = {"liftos_otlp_traces_total"}


@pytest.fixture
def exported(acme, monkeypatch):
    """The samples that /metrics exports after exercising everything once, in a process that has just started."""
    # others' embeddings may have raised an alert
    monkeypatch.setattr(alerts, "_alerts", [])
    alerts.alerts()
    acme.store("Boots sell in rain")
    acme.search("boots")
    acme.post("/conceptual-spaces/create?name=brand", ["price", "quality"])
    acme.post("/search/batch", ["boots", "rain"])
    acme.post("/workflows/create?name=weekly", {})
    announce_tasks(app.tasks)
    sequence_all.apply()
    text = acme.client.get("/metrics").content.decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def matches(sample, name, matchers):
    if sample.name != name:
        return False
    for label, how, wanted in matchers:
        found = sample.labels.get(label, "")
        holds = re.fullmatch(wanted, found) if "~" in how else found == wanted
        if bool(holds) == how.startswith("!"):
            return False
    return True


def branches(pattern):
    """Return a pattern's alternatives: top-level ones, or those of the group it starts with."""
    opened = re.fullmatch(r"\(([^()]*)\)(.*)", pattern)
    if opened:
        return [f"{each}{opened[2]}" for each in opened[1].split("|")]
    return pattern.split("|") if "(" not in pattern else [pattern]


@pytest.mark.parametrize("expression", [*PANELS.values(), *ALERTS.values()], ids=[*PANELS, *ALERTS])
def test_selectors_match_series_that_are_exported(exported, expression):
    for name, inside in SELECTOR.findall(expression):
        if name in OPTIONAL:
            continue
        matchers = MATCHER.findall(inside)
        assert MATCHER.sub("", inside).strip(" ,") == ""
        assert any(matches(sample, name, matchers) for sample in exported), (name, inside)
        if any(how == "=~" and "(GET|" not in wanted for _, how, wanted in matchers):
            for label, how, wanted in matchers:
                for branch in branches(wanted) if how == "=~" else []:
                    assert any(matches(sample, name, [(label, how, branch)]) for sample in exported), branch


def test_operations_and_requests_are_drawn_separately(exported):
    drawn = {
        title: {
            sample.labels["operation"]
            for sample in exported
            for name, inside in SELECTOR.findall(PANELS[f"{title} A"])
            if matches(sample, name, MATCHER.findall(inside))
        }
        for title in ("Operations per second", "Requests per second, by route")
    }
    operations, requests = drawn.values()
    known = {sample.labels["operation"] for sample in exported if sample.name == "liftos_operations_total"}
    assert operations & requests == set()
    assert {each for each in known - operations - requests if not each.startswith("command ")} == set()
    assert {"memory.store", "memory.search", "space.create", "workflow.batch", "accountability.sequence"} <= operations  # fmt: skip
    assert {"POST /search/batch", "POST /api/v1/memories"} <= requests


def test_alerts_have_their_gauges_before_they_fire(exported):
    levels = {
        sample.labels["alert"]: sample.value for sample in exported if sample.name == "liftos_alert_active"
    }
    assert levels == {"embedding_hit_rate": 0.0, "success_rate": 0.0, "events_lag": 0.0}
    told = {sample.labels["alert"] for sample in exported if sample.name == "liftos_alerts_total"}
    assert told == set(levels)


def test_a_task_that_never_ran_has_its_series(exported):
    names = {name for name in app.tasks if not name.startswith("celery.")}
    known = {sample.labels["operation"] for sample in exported if sample.name == "liftos_operations_total"}
    assert names - known == set()


def promtool(tmp_path, tests):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    (tmp_path / "rules.yml").write_text((DEPLOY / "prometheus-rules.yml").read_text())
    (tmp_path / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    return subprocess.run(
        [program, "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def series(name, step, **labels):
    inside = ",".join(f"{label}={json.dumps(value)}" for label, value in sorted(labels.items()))
    return {"series": f"{name}{{{inside}}}", "values": f"0+{step}x30"}


@pytest.mark.browser  # it needs Debian's promtool, which `make test-all` installs
def test_prometheus_returns_data_for_every_panel(exported, tmp_path):
    given = [
        series(sample.name, int(sample.value), **sample.labels)
        for sample in exported
        if sample.name.startswith("liftos_") and not sample.name.endswith("_created")
    ]
    wanted = [
        {
            "expr": f"count({expression}) > bool 0",
            "eval_time": "20m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for expression in PANELS.values()
    ]
    done = promtool(tmp_path, [{"interval": "1m", "input_series": given, "promql_expr_test": wanted}])
    assert done.returncode == 0, done.stderr + done.stdout


OPERATIONS = "liftos_operations_total"
STORES = series(OPERATIONS, 60, operation="memory.store", outcome="success")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("alert", "given", "fires"),
    [
        ("LiftosSequencerStands", [STORES, series(OPERATIONS, 0, operation="accountability.sequence", outcome="success")], True),
        ("LiftosSequencerStands", [STORES, series(OPERATIONS, 9, operation="accountability.sequence", outcome="success")], False),
        ("LiftosOperationsFail", [STORES, series(OPERATIONS, 6, operation="memory.store", outcome="failure")], True),
        ("LiftosOperationsFail", [STORES, series(OPERATIONS, 60, operation="memory.store", outcome="refused"),
                                  series(OPERATIONS, 0, operation="memory.store", outcome="failure")], False),
        ("LiftosRaisedAlert", [{"series": 'liftos_alert_active{alert="success_rate"}', "values": "1x30"}], True),
        ("LiftosRaisedAlert", [{"series": 'liftos_alert_active{alert="success_rate"}', "values": "0x30"}], False),
        ("LiftosDown", [{"series": 'up{job="liftos",instance="worker:9464"}', "values": "0x30"}], True),
    ],
)  # fmt: skip
def test_rules_fire_when_they_should(alert, given, fires, tmp_path):
    asked = [{"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": "25m",
              "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}]  # fmt: skip
    done = promtool(tmp_path, [{"interval": "1m", "input_series": given, "promql_expr_test": asked}])
    assert done.returncode == 0, done.stderr + done.stdout
