"""Write the digests of the images that production runs into docker-compose.yml and the Dockerfile.

A tag can be moved to another image, a digest can't. Digests come from the registry alone, through whichever of docker (buildx),
skopeo or crane is on PATH; nothing is written unless every image was resolved. Run it again to move to what the tags name today.
Standard library only.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker-compose.yml", "deploy/Dockerfile")
# `image:` of a service, `FROM` of a stage; behind the tag perhaps the digest of an earlier run
REFERENCE = re.compile(
    r"^(?P<before>\s*image:\s*[\"']?|FROM\s+(?:--platform=\S+\s+)?)"
    r"(?P<name>[^\s\"'@$]+)(?P<digest>@sha256:[0-9a-f]{64})?(?=[\"'\s]|$)",
    re.MULTILINE,
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# The digest of the index, where an image is built for several platforms: each machine then finds its own.
TOOLS = {
    "docker": ("buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", "{}"),
    "skopeo": ("inspect", "--no-tags", "--format", "{{.Digest}}", "docker://{}"),
    "crane": ("digest", "{}"),
}
TOOL_SECONDS = 60


class NotResolved(Exception):
    """An image's digest could not be had."""


def is_pulled(name: str) -> bool:
    """Return whether an image comes from a registry: one of our own, built from the Dockerfile, has no tag here."""
    return ":" in name.rsplit("/", 1)[-1]


def resolve(name: str, tools: dict[str, str]) -> str:
    """Return the digest that a tag names today.

    Args:
        name: as in `caddy:2.10-alpine`.
        tools: paths of the programs to ask, in this order, by their names in `TOOLS`.

    Raises:
        NotResolved: none of them could tell; with the last line of what each said.
    """
    said = []
    for tool, path in tools.items():
        command = [path, *(part.format(name) if part[-2:] == "{}" else part for part in TOOLS[tool])]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            said.append(f"{tool}: {error}")
            continue
        digest = done.stdout.strip()
        if done.returncode == 0 and DIGEST.fullmatch(digest):
            return digest
        words = (done.stderr.strip() or digest or f"exit code {done.returncode}").splitlines()[-1]
        said.append(f"{tool}: {words}")
    raise NotResolved(f"{name} could not be resolved ({'; '.join(said)})")


def pin(text: str, digests: dict[str, str]) -> str:
    """Return a file's text with each pulled image followed by its digest."""

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{found['before']}{name}@{digests[name]}" if name in digests else found[0]

    return REFERENCE.sub(replace, text)


def main() -> int:
    """Pin every image, or say why not and change nothing."""
    tools = {name: path for name in TOOLS if (path := shutil.which(name))}
    if not tools:
        sys.stderr.write(
            f"error: none of {', '.join(TOOLS)} is on PATH to ask a registry with; nothing was changed\n"
        )
        return 1
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in FILES}
    names = {found["name"] for text in texts.values() for found in REFERENCE.finditer(text)}
    try:
        digests = {name: resolve(name, tools) for name in sorted(filter(is_pulled, names))}
    except NotResolved as error:
        sys.stderr.write(f"error: {error}; nothing was changed\n")
        return 1
    for file, text in texts.items():
        (ROOT / file).write_text(pin(text, digests), encoding="utf-8")
    for name, digest in digests.items():
        sys.stdout.write(f"{name}@{digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
