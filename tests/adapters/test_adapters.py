"""The adapters for agents' frameworks, and other products' own clients, each run by the real package against the running product.

The packages are in an environment of their own (`make test-all` installs it), where each `check_*.py` is run.
"""

import os
import subprocess
from pathlib import Path

import pytest
from liftos_client import local

from liftos.runtime.embedded.paths import REPOSITORY

HERE = Path(__file__).parent
PYTHON = REPOSITORY / ".venv-adapters" / "bin" / "python"
CHECKS = sorted(each.name for each in HERE.glob("check_*.py"))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def product():
    if not PYTHON.exists():
        pytest.skip("make .venv-adapters/.installed installs the frameworks")
    with local(REPOSITORY) as client:
        yield {
            "LIFTOS_URL": client.base_url,
            "LIFTOS_API_KEY": client._headers["authorization"].removeprefix("Bearer "),
        }


def test_every_adapter_has_a_check():
    adapters = {"anthropic", "google_adk", "langchain", "langgraph", "openai_agents", "pydantic_ai"}
    assert {f"check_{name}.py" for name in adapters} <= set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_it_works_with_the_real_package(product, check, tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))},
        **product,
        "PYTHONPATH": str(REPOSITORY / "clients" / "python" / "src"),
        "HOME": str(tmp_path),
        "MEM0_TELEMETRY": "False",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
    command = [
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "--rootdir=.",
        "--confcutdir=.",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [*command, check], cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
