"""docker-compose.yml can't run here, so check that everything it names exists."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from liftos.runtime.embedded.paths import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ["migrate", "web", "worker"]
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")


def command(service):
    return [str(part) for part in SERVICES[service]["command"]]


def importable(module):
    """Return whether one of our modules exists, without importing it."""
    return any((REPOSITORY / f"{module.replace('.', '/')}{end}").exists() for end in (".py", "/__init__.py"))


def known_settings():
    page = REPOSITORY / "docs" / "settings.md"
    sources = (
        [page]
        if page.exists()
        else [REPOSITORY / "liftos/settings.py", *(REPOSITORY / "liftos/embedded").glob("*.py")]
    )
    return set(
        re.findall(
            r"\b(?:LIFTOS_\w+|DATABASE_URL|REDIS_URL|PROMETHEUS_MULTIPROC_DIR)\b",
            "\n".join(path.read_text() for path in sources),
        )
    )


def test_services_of_production():
    assert set(SERVICES) == {"db", "redis", "migrate", "web", "proxy", "worker", "prometheus"}


@pytest.mark.parametrize("service", OURS)
def test_command_runs_something_that_exists(service):
    program, *arguments = command(service)
    assert program == "python"
    if arguments[0] == "manage.py":
        assert (REPOSITORY / "manage.py").exists()
        ours = {path.stem for path in REPOSITORY.glob("*/management/commands/*.py")}
        assert arguments[1] in {"migrate", *ours}
    else:
        assert arguments[0] == "-m"
        assert importlib.util.find_spec(arguments[1]) is not None
        named = [match for part in arguments for match in re.findall(r"^(?:python:)?(liftos\.[\w.]+)", part)]
        assert named
        assert [module for module in named if not importable(module)] == []


@pytest.mark.parametrize("service", OURS)
def test_every_environment_name_is_a_setting(service):
    names = set(SERVICES[service]["environment"])
    assert {"DATABASE_URL", "REDIS_URL", "LIFTOS_SECRET_KEY", "LIFTOS_ALLOWED_HOSTS"} <= names
    assert names - known_settings() == set()


def test_only_migrate_is_given_the_owner():
    assert [
        name for name in SERVICES if "LIFTOS_OWNER_DATABASE_URL" in SERVICES[name].get("environment", {})
    ] == ["migrate"]


def test_no_secret_has_a_default():
    found = VARIABLE.findall((REPOSITORY / "docker-compose.yml").read_text())
    secret = [(name, rest) for name, rest in found if re.search("PASSWORD|SECRET", name)]
    assert secret
    assert [name for name, rest in secret if not rest.startswith(":?")] == []
    environment = [item for service in SERVICES.values() for item in service.get("environment", {}).items()]
    written = [value for name, value in environment if re.search("PASSWORD|SECRET", name)]
    assert len(written) >= 4
    assert all(VARIABLE.fullmatch(value) for value in written)


def test_long_running_services_have_health_checks_and_dependencies():
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        if name not in {
            "migrate",
            "worker",
        }:  # the one ends, the other listens on nothing that could be asked
            assert service["healthcheck"]["test"][0] == "CMD"
    for needed, how in SERVICES["web"]["depends_on"].items():
        assert how["condition"] == (
            "service_completed_successfully" if needed == "migrate" else "service_healthy"
        )


def test_every_mounted_file_exists_and_every_volume_is_declared():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (REPOSITORY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_prometheus_scrapes_the_ports_that_web_and_worker_listen_on():
    config = yaml.safe_load((REPOSITORY / "deploy/prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    web, worker = (SERVICES[name]["environment"] for name in ("web", "worker"))
    targets = [f"web:{web['LIFTOS_PORT']}", f"worker:{worker['LIFTOS_WORKER_METRICS_PORT']}"]
    assert job["static_configs"] == [{"targets": targets}]
    assert worker["LIFTOS_BIND"] == "0.0.0.0"
    assert job["metrics_path"] == "/metrics"


def test_the_image_copies_only_what_exists_and_does_not_run_as_root():
    text = (REPOSITORY / "deploy/Dockerfile").read_text()
    copied = [part for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for part in line.split()[:-1]]
    assert [path for path in copied if not (REPOSITORY / path).exists()] == []
    assert "--require-hashes" in text
    assert re.search(r"^USER (?!root)\w+", text, re.MULTILINE)
    runs = [Path(name) for name in copied if (REPOSITORY / name).is_dir()]
    # the documentation is served too
    assert {path.name for path in runs} == {
        "liftos",
        "accountability",
        "memory",
        "spaces",
        "workflows",
        "docs",
    }


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell to parse with")
def test_the_init_script_parses_and_can_be_run():
    script = REPOSITORY / "deploy/postgres-init.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


def test_original_files_are_on_a_volume_of_their_own_that_web_and_worker_share():
    for name in ("web", "worker"):
        volumes = dict(each.split(":")[:2] for each in SERVICES[name]["volumes"])
        assert volumes["files"] == SERVICES[name]["environment"]["LIFTOS_FILES_URL"]
        assert [source for source, target in volumes.items() if target == volumes["files"]] == ["files"]
    assert volumes["files"] in (REPOSITORY / "deploy/Dockerfile").read_text()
