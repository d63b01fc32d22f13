"""Files in `deploy/` for operators' tools, checked as far as possible without running the tools."""

import configparser
import json
import re
import shutil
import subprocess

import pytest
import yaml
from prometheus_client import REGISTRY

from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.health import alerts

DEPLOY = REPOSITORY / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())["groups"]
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for group in RULES for rule in group["rules"]] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


def test_expressions_name_only_existing_series():
    assert alerts.ACTIVE
    known = {sample for family in REGISTRY.collect() for sample in _samples(family)}
    named = {name for expression in EXPRESSIONS for name in re.findall(r"\bliftos_\w+", expression)}
    assert len(named) > 3
    assert named - known == set()


def _samples(family):
    """Return the names of a family's series, even if it has none yet."""
    if family.type == "counter":
        return {f"{family.name}_total"}
    return {f"{family.name}_{part}" for part in ("bucket", "sum", "count")} | {family.name}


def test_every_alert_has_severity_and_summary():
    for group in RULES:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"critical", "warning", "info"}
            assert rule["annotations"]["summary"]


def test_the_scrape_configuration_reads_the_rules():
    scrape = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    assert [(DEPLOY / name).exists() for name in scrape["rule_files"]] == [True]


def test_the_commented_authorization_is_what_metrics_asks_for():
    text = (DEPLOY / "prometheus.yml").read_text()
    assert "authorization" not in yaml.safe_load(text)["scrape_configs"][0]
    with_token = re.sub(r"^(    )# (authorization:|  )", r"\1\2", text, flags=re.MULTILINE)
    (job,) = yaml.safe_load(with_token)["scrape_configs"]
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "/etc/prometheus/metrics_token"}


@pytest.mark.browser  # it needs Debian's promtool, which `make test-all` installs
def test_promtool_accepts_the_rules():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for arguments in (("check", "rules", "prometheus-rules.yml"), ("check", "config", "prometheus.yml")):
        done = subprocess.run([promtool, *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout


def test_panels_do_not_overlap_and_take_their_data_from_the_chosen_source():
    places = [tuple(panel["gridPos"][name] for name in "xywh") for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${datasource}"}


def test_pgbouncer_pools_by_transaction():
    parser = configparser.ConfigParser(comment_prefixes=(";",), interpolation=None)
    parser.read(DEPLOY / "pgbouncer.ini")
    bouncer = parser["pgbouncer"]
    assert bouncer["pool_mode"] == "transaction"
    assert int(bouncer["max_prepared_statements"]) > 0
    assert bouncer["ignore_startup_parameters"] == "options"
