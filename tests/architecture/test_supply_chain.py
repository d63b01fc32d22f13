"""`make pin-images` and `make audit`, with stand-ins for the tools that need a network."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml

from liftos.runtime.embedded.paths import REPOSITORY

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
PULLED = {
    "pgvector/pgvector:pg18",
    "redis:7-alpine",
    "caddy:2.10-alpine",
    "prom/prometheus:v3.5.0",
    "python:3.11-slim",
}


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "checkout" / "deploy").mkdir(parents=True)
    for name in ("docker-compose.yml", "deploy/Dockerfile", "deploy/pin_images.py", "deploy/audit.py"):
        shutil.copy(REPOSITORY / name, tmp_path / "checkout" / name)
    (tmp_path / "bin").mkdir()
    return tmp_path / "checkout"


def tool(checkout, name, script):
    path = checkout.parent / "bin" / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> {checkout.parent}/asked\n{script}\n')
    path.chmod(0o755)


def pin(checkout):
    return subprocess.run(
        [sys.executable, str(checkout / "deploy" / "pin_images.py")],
        env={"PATH": str(checkout.parent / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def texts(checkout):
    return [(checkout / name).read_text() for name in ("docker-compose.yml", "deploy/Dockerfile")]


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("docker", "docker buildx imagetools inspect --format {{.Manifest.Digest}} redis:7-alpine"),
        ("skopeo", "skopeo inspect --no-tags --format {{.Digest}} docker://redis:7-alpine"),
        ("crane", "crane digest redis:7-alpine"),
    ],
)
def test_only_pulled_images_get_digests(checkout, name, question):
    before = texts(checkout)
    tool(checkout, name, f"echo {DIGEST}")
    done = pin(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == {f"{image}@{DIGEST}" for image in PULLED}
    assert question in (checkout.parent / "asked").read_text().splitlines()
    assert [text.replace(f"@{DIGEST}", "") for text in texts(checkout)] == before
    services = yaml.safe_load((checkout / "docker-compose.yml").read_text())["services"]
    assert services["redis"]["image"] == f"redis:7-alpine@{DIGEST}"
    assert services["web"]["image"] == "liftos-core"
    assert texts(checkout)[1].startswith(f"FROM python:3.11-slim@{DIGEST}\n")


def test_second_run_updates_the_digests(checkout):
    tool(checkout, "crane", f"echo {DIGEST}")
    pin(checkout)
    tool(checkout, "crane", f"echo {OTHER}")
    assert pin(checkout).returncode == 0
    assert DIGEST not in "".join(texts(checkout))
    assert "".join(texts(checkout)).count(f"@{OTHER}") == len(PULLED)


def test_a_tool_that_fails_is_followed_by_the_next(checkout):
    tool(checkout, "docker", "echo 'docker: buildx is not a docker command' >&2; exit 1")
    tool(checkout, "crane", f"echo {DIGEST}")
    assert pin(checkout).returncode == 0
    assert "".join(texts(checkout)).count(f"@{DIGEST}") == len(PULLED)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'dial tcp: lookup registry: no such host' >&2; exit 1",
            "crane: dial tcp: lookup registry: no such host",
        ),
        ("echo latest", "crane: latest"),  # no digest, whatever the exit code
        (
            f"case $2 in redis*) exit 7;; esac; echo {DIGEST}",
            "redis:7-alpine could not be resolved (crane: exit code 7)",
        ),
    ],
)
def test_unless_all_are_resolved_nothing_changes(checkout, script, said):
    before = texts(checkout)
    tool(checkout, "crane", script)
    done = pin(checkout)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.endswith("nothing was changed\n")
    assert texts(checkout) == before


def test_without_a_tool_nothing_changes(checkout):
    before = texts(checkout)
    done = pin(checkout)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: none of docker, skopeo, crane is on PATH; nothing was changed\n"
    assert texts(checkout) == before


CLEAN = {"name": "left", "version": "1.0", "vulns": []}
HURT = {"name": "hurt", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
PASSED_OVER = {"name": "odd", "skip_reason": "Dependency not found and could not be audited: odd (3.0)"}


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        (json.dumps({"dependencies": [CLEAN]}), 0, "1 packages checked, no known vulnerability"),
        (json.dumps({"dependencies": [CLEAN, HURT]}), 1, "hurt 2.0: CVE-1 (fixed in 2.1)"),
        # pip-audit itself exits 0 on these
        (json.dumps({"dependencies": [PASSED_OVER]}), 2, "could not be reached (Dependency not found"),
        (json.dumps({"dependencies": [CLEAN, PASSED_OVER]}), 2, "does not know odd: not checked"),
        ("", 2, "could not be reached (ConnectionError: no route to host): is there a network?"),
    ],
)
def test_audit_without_lookups_fails(checkout, printed, code, said):
    package = checkout / "stand_in" / "pip_audit"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\n"
        "assert {'--disable-pip', '--require-hashes', '--format=json'} <= set(sys.argv)\n"
        f"print({printed!r})\n"
        "print('ConnectionError: no route to host', file=sys.stderr)\n"
    )
    (checkout / "locks").mkdir()
    (checkout / "locks" / "runtime.txt").touch()
    done = subprocess.run(
        [sys.executable, str(checkout / "deploy" / "audit.py"), str(checkout / "locks")],
        env={"PYTHONPATH": str(checkout / "stand_in")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
