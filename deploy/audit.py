"""Check the locked packages for known vulnerabilities with pip-audit, and fail if any could not be checked.

pip-audit skips packages that the advisory service does not know and still exits 0. Behind a mirror
with packages but no advisories, everything would look fine. Here that is a failure.

Exit codes: 0 every package was checked and none has a known vulnerability; 1 some have; 2 some could not be checked.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "pip_audit")
# the locks name every package, so nothing needs resolving or installing
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--desc=off", "--format=json")
SAID_CHARACTERS = 300


def look_up(locks: list[Path], command: tuple[str, ...] = COMMAND) -> tuple[list[dict[str, Any]], str]:
    """Return pip-audit's result for each package of all locks, and the last line of its error output."""
    found: list[dict[str, Any]] = []
    said = ""
    for lock in locks:  # one by one: a package in two locks would be an error
        done = subprocess.run(
            [*command, *OPTIONS, "--requirement", str(lock)], capture_output=True, text=True, check=False
        )
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:SAID_CHARACTERS]
        try:
            found += json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return [], said  # an unreadable lock must not pass as free of vulnerabilities
    return found, said


def judge(found: list[dict[str, Any]], said: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines that explain it."""
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
        why = f"error: the advisory service does not know {', '.join(passed_over)}: not checked"
        return 2, [*lines, why]
    if lines:
        return 1, lines
    packages = {each["name"] for each in looked_up}
    return 0, [f"{len(packages)} packages checked, no known vulnerability"]


def main(arguments: list[str]) -> int:
    """Audit all locks in a directory."""
    locks = sorted(Path(arguments[0]).glob("*.txt"))
    code, lines = judge(*look_up(locks))
    (sys.stdout if code == 0 else sys.stderr).write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
