"""`make compat PATH=checkout` names a checkout and leaves the search path alone."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


# what a make that runs the tests would hand down to this one
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}
}


def make(*arguments):
    show = 'show: ; @printf \'%s|%s\' "$$PATH" "$(CHECKOUT)"'
    done = subprocess.run(
        ["make", f"--eval={show}", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("checkout", ["/nowhere", "/with a space/checkout", "~/LiftOS"])
def test_checkout_does_not_replace_the_search_path(checkout):
    path, _, found = make("show", f"PATH={checkout}").partition("|")
    assert found == checkout
    assert path == make("show").partition("|")[0]
    assert set(os.environ["PATH"].split(":")) <= set(path.split(":"))


def test_the_command_gets_the_checkout_and_its_prerequisites_run():
    planned = make("-n", "-B", "compat", "PATH=/nowhere")
    assert planned.splitlines()[-1] == '.venv/bin/python -m tests.compat "/nowhere"'
    assert "pip install" in planned


def test_without_a_checkout_none_is_passed():
    assert make("show").endswith("|")
    assert make("-n", "compat").splitlines()[-1] == '.venv/bin/python -m tests.compat ""'
