"""The output of the supervisor's children."""

import selectors
import sys

import pytest

from liftos.runtime.embedded.children import Child, ChildSpec, is_routine

REQUEST = '{"level": "INFO", "logger": "liftos.http", "message": "request", "path": "/api/v1/memories"}'
WARNING = '{"level": "WARNING", "message": "slow"}'
PLAIN = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("line", "routine"),
    [
        (REQUEST, True), ('{"level": "DEBUG"}', True), (WARNING, False), ('{"level": "ERROR"}', False), (PLAIN, False),
        ("", False), ("[]", False), ('{"message": "INFO"}', False), ("1", False), ('{"level": ["INFO"]}', False),
    ],
)  # fmt: skip
def test_routine_lines_are_structured_ones_below_a_warning(line, routine):
    assert is_routine(line) is routine


@pytest.mark.parametrize("kept", [True, False])
def test_a_log_has_all_lines_and_the_console_those_that_need_attention(tmp_path, kept):
    shown = []
    program = f"print({REQUEST!r}); print({WARNING!r}); print({PLAIN!r})"
    log = tmp_path / "web.log" if kept else None
    with selectors.DefaultSelector() as selector:
        child = Child(ChildSpec("web", (sys.executable, "-c", program), log=log), selector, shown.append)
        child.start()
        child._process.wait(timeout=30)
        child.clear()
    assert shown == [f"web    | {line}" for line in ([] if kept else [REQUEST]) + [WARNING, PLAIN]]
    if kept:
        assert log.read_text().splitlines() == [REQUEST, WARNING, PLAIN]
