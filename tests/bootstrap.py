"""Loaded before Django's settings: tests use their own servers and data, separate from `make up`'s."""

import os
from pathlib import Path

os.environ["LIFTOS_HOME"] = os.environ.get(
    "LIFTOS_TEST_HOME", str(Path(__file__).parent.parent / ".liftos" / "test")
)
os.environ.setdefault("LIFTOS_LOG_LEVEL", "WARNING")
# its thread would write into databases that come and go; the tests of it say when
os.environ.setdefault("LIFTOS_TRACE_PERSIST", "0")

from hypothesis import HealthCheck, settings

from liftos.runtime import embedded

if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
    embedded.hold(embedded.home())

# a busy machine is no defect of the code under test
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


def pytest_terminal_summary(terminalreporter, config):
    """Print the order's seed, which `-q` omits."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"random order: repeat it with --randomly-seed={seed}")
