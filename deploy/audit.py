"""Look the locked packages up among published vulnerabilities: pip-audit, with its silences taken seriously.

pip-audit passes over a package that the advisory service does not know, and exits 0 though it looked up nothing: behind a mirror
that has packages but no advisories everything would seem to be well. Here that is a failure.

Exit codes: 0 every package was looked up and none has a known vulnerability; 1 some have; 2 not every one could be looked up.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "pip_audit")
# The locks name every package: nothing is to be resolved or installed to know what there is.
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--desc=off", "--format=json")
SAID_CHARACTERS = 300


def look_up(locks: list[Path], command: tuple[str, ...] = COMMAND) -> tuple[list[dict[str, Any]], str]:
    """Return what pip-audit found for each package of all locks, and the last line of what it said beside it."""
    found: list[dict[str, Any]] = []
    said = ""
    for lock in locks:  # one by one: the same package in two of them would be an error
        done = subprocess.run(
            [*command, *OPTIONS, "--requirement", str(lock)], capture_output=True, text=True, check=False
        )
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:SAID_CHARACTERS]
        try:
            found += json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return [], said  # a lock that was not read is no lock without vulnerabilities
    return found, said


def judge(found: list[dict[str, Any]], said: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines that say why."""
    looked_up = [each for each in found if "vulns" in each]
    passed_over = sorted({each["name"] for each in found if "vulns" not in each})
    if not looked_up:
        why = next((each["skip_reason"] for each in found if each.get("skip_reason")), said)
        return 2, [f"error: the advisory service could not be reached ({why}): is there a network?"]
    lines = sorted(
        {
            f"{each['name']} {each['version']}: {vulnerability['id']}"
            f" (fixed in {', '.join(vulnerability['fix_versions']) or 'no release yet'})"
            for each in looked_up
            for vulnerability in each["vulns"]
        }
    )
    if passed_over:
        why = f"error: the advisory service knows nothing of {', '.join(passed_over)}: not looked up"
        return 2, [*lines, why]
    if lines:
        return 1, lines
    packages = {each["name"] for each in looked_up}
    return 0, [f"{len(packages)} packages looked up, no known vulnerability"]


def main(arguments: list[str]) -> int:
    """Audit all locks in a directory."""
    locks = sorted(Path(arguments[0]).glob("*.txt"))
    code, lines = judge(*look_up(locks))
    (sys.stdout if code == 0 else sys.stderr).write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
