"""The environment: every variable is checked, and what is wrong with it is said by its name."""

import os
import subprocess
import sys

import pytest

from liftos.runtime.checks import variables_are_known
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.environment import Environment, InvalidEnvironment, read_environment

FREE = {  # any text may be meant; where not, an app's system check judges
    "LIFTOS_HOME", "LIFTOS_BIND", "LIFTOS_SECRET_KEY", "LIFTOS_SPOOL_DIR", "LIFTOS_STATIC_ROOT", "LIFTOS_METRICS_TOKEN",
    "LIFTOS_TRUSTED_PROXY_SECRET", "LIFTOS_TRUSTED_DEFAULT_ORG", "LIFTOS_ALLOWED_HOSTS", "LIFTOS_LEDGER_ORIGIN",
    "LIFTOS_LEDGER_KEY_FILE", "LIFTOS_VALUE_KEY_FILE", "LIFTOS_CHECKPOINT_FILE", "LIFTOS_WORKFLOW_SECRETS_FILE", "LIFTOS_EMBEDDER",
    # liftos.E002, E003, E004, spaces.E001, workflows.E001
    "LIFTOS_TRACE_SAMPLING", "LIFTOS_TRACE_LEVEL", "LIFTOS_TRACE_SPANS", "LIFTOS_TRACE_RETENTION_DAYS", "LIFTOS_OTLP_ENDPOINT",
    "LIFTOS_CHECKPOINT_URL", "LIFTOS_RATE_LIMIT_KEY", "LIFTOS_RATE_LIMIT_ORGANISATION", "LIFTOS_DEFAULT_SPACE",
    "LIFTOS_APPS", "LIFTOS_HTTP_ALLOWED_HOSTS", "LIFTOS_HTTP_PRIVATE_HOSTS", "LIFTOS_EXTRACTOR_API_KEY", "LIFTOS_EXTRACTOR_MODEL", "LIFTOS_EXTRACTOR_URL",
    "LIFTOS_FILES_URL", "LIFTOS_API_KEY",
}  # fmt: skip
CHECKED = sorted(Environment.model_fields.keys() - FREE)
NUMBERS = [name for name in CHECKED if Environment.model_fields[name].annotation in {int, float}]


def problems(**environ):
    with pytest.raises(InvalidEnvironment) as caught:
        read_environment(environ)
    return caught.value.problems


@pytest.mark.parametrize("name", CHECKED)
def test_a_value_of_another_kind_is_refused_by_name(name):
    (problem,) = problems(**{name: "=nonsense="})
    assert problem.startswith(name)
    assert problem.endswith(f" must be {Environment.model_fields[name].description}.")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e300", "9" * 40, "1,5", "0x10", "1e3x"])
def test_a_number_out_of_range_is_refused_by_name(name, text):
    (problem,) = problems(**{name: text})
    assert problem.startswith(f"{name} is {text!r}; it must be a ")


@pytest.mark.parametrize("name", sorted(FREE))
def test_a_text_is_taken_as_it_is(name):
    value = getattr(read_environment({name: " a text "}), name)
    assert value in ("a text", ["a text"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "postgresql://u:hunter2@h:x:y/z?nonsense=1"),
        ("LIFTOS_OWNER_DATABASE_URL", "hunter2"),
        ("REDIS_URL", "http://:hunter2@h"),
        ("LIFTOS_BROKER_URL", "hunter2"),
        ("LIFTOS_OTLP_HEADERS", "authorization: hunter2"),
        ("LIFTOS_EMBEDDER_OPTIONS", '{"api_key": "hunter2"'),
        ("LIFTOS_EMBEDDERS", '["hunter2"]'),
    ],
)
def test_what_may_hold_a_secret_is_not_repeated(name, text):
    (problem,) = problems(**{name: text})
    assert problem.startswith(f"{name} must be a")
    assert "hunter2" not in problem


def test_all_problems_are_reported_together():
    found = problems(LIFTOS_PORT="70000", LIFTOS_DEBUG="maybe", LIFTOS_TRUSTED_PROXIES="10.0.0.1/8")
    assert sorted(found) == [
        "LIFTOS_DEBUG is 'maybe'; it must be 1, true, yes or on, or 0, false, no or off.",
        "LIFTOS_PORT is '70000'; it must be a port, 0 to 65535.",
        "LIFTOS_TRUSTED_PROXIES is '10.0.0.1/8'; it must be a comma-separated list of networks, such as 10.0.0.0/8.",
    ]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("LIFTOS_WEB_THREADS", " 4 ", 4),
        ("LIFTOS_WEB_THREADS", "  ", 16),
        ("LIFTOS_REQUEST_SECONDS", "1.5", 1.5),
        ("LIFTOS_DEBUG", "ON", True),
        ("LIFTOS_TRACE_PERSIST", "off", False),
        ("LIFTOS_ALLOWED_HOSTS", "a, ,b", ["a", "b"]),
        ("LIFTOS_OTLP_HEADERS", "a=b=c, d=", {"a": "b=c", "d": ""}),
        ("LIFTOS_EMBEDDER_OPTIONS", '{"dimension": 384}', {"dimension": 384}),
        ("LIFTOS_LOG_LEVEL", "debug", "DEBUG"),
        ("DATABASE_URL", "host=/run dbname=x", "host=/run dbname=x"),
    ],
)
def test_a_usable_value_is_read(name, text, value):
    assert getattr(read_environment({name: text}), name) == value


def run(*arguments, **environ):
    return subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_a_command_ends_with_one_line_for_each_problem():
    done = run("manage.py", "check", LIFTOS_WEB_THREADS="many", LIFTOS_DEBUG="maybe")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: LIFTOS_DEBUG is 'maybe'; it must be 1, true, yes or on, or 0, false, no or off.",
        "error: LIFTOS_WEB_THREADS is 'many'; it must be a whole number from 1.",
    ]


def test_the_web_server_does_not_start():
    done = run("-c", "import liftos.runtime.web.gunicorn_conf", LIFTOS_WEB_WORKERS="two")
    assert done.returncode == 1
    assert done.stderr == "error: LIFTOS_WEB_WORKERS is 'two'; it must be a whole number from 1.\n"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("LIFTOS_WEB_THREDS", "LIFTOS_WEB_THREADS"),
        ("LIFTOS_PROT", "LIFTOS_PORT"),
        ("LIFTOS_PORTS", "LIFTOS_PORT"),
        ("LIFTOS_HOMR", "LIFTOS_HOME"),
        ("LIFTOSMAX_BODY_BYTES", "LIFTOS_MAX_BODY_BYTES"),
    ],
)
def test_a_mistyped_name_is_warned_about(monkeypatch, mistyped, meant):
    monkeypatch.setenv(mistyped, "1")
    (warning,) = variables_are_known(None)
    assert (warning.id, warning.msg, warning.hint) == (
        "liftos.W002", f"{mistyped} is not a known setting.", f"Did you mean {meant}?"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["LIFTOS_PORT", "LIFTOS_SECRET_KEYS", "LIFTOS_SOMETHING_ELSE", "PORT"])
def test_other_names_are_left_alone(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert variables_are_known(None) == []
