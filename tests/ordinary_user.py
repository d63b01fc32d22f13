"""A Python that another user can run, for tests of leaving root: the current one may be in root's home."""

import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


@cache
def python_for(uid: int) -> str | None:
    """Return an interpreter of any version that the user can run, or None."""
    for program in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            subprocess.run(
                [program, "-I", "-S", "-c", ""],
                capture_output=True,
                check=True,
                cwd="/",
                user=uid,
                extra_groups=[],
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return program
    return None


def environment_for(uid: int, directory: Path) -> tuple[str, dict[str, str]]:
    """Return a Python of this version, with everything installed here, that the user can run.

    Returns:
        Its path and its environment variables. It is the current one, or a copy in the directory.
    """
    if python_for(uid) == sys.executable:
        return sys.executable, {}
    base, library = directory / "base", sysconfig.get_config_var("LIBDIR")
    (base / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), base / "bin" / "python")
    unwanted = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "ensurepip", "config-*")
    shutil.copytree(sysconfig.get_path("stdlib"), base / "lib" / VERSION, ignore=unwanted)
    for shared in Path(library).glob("libpython*.so*"):
        shutil.copy(shared, base / "lib")
    (directory / "bin").mkdir()
    (directory / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n")
    (directory / "bin" / "python").symlink_to(base / "bin" / "python")
    packages = directory / "lib" / VERSION / "site-packages"
    packages.parent.mkdir(parents=True)
    packages.symlink_to(sysconfig.get_path("purelib"))
    return str(directory / "bin" / "python"), {"LD_LIBRARY_PATH": str(base / "lib")}
