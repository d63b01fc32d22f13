"""Write the digests of production's images into docker-compose.yml and the Dockerfile.

A tag can move to another image; a digest can't. Digests come from the registry, through docker (buildx),
skopeo or crane. Nothing is written unless every image was resolved. Run it again to update to the tags' current digests.
Standard library only.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker-compose.yml", "deploy/Dockerfile")
# `image:` of a service or `FROM` of a stage; after the tag, the digest of an earlier run, if any
REFERENCE = re.compile(
    r"^(?P<before>\s*image:\s*[\"']?|FROM\s+(?:--platform=\S+\s+)?)"
    r"(?P<name>[^\s\"'@$]+)(?P<digest>@sha256:[0-9a-f]{64})?(?=[\"'\s]|$)",
    re.MULTILINE,
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# for multi-platform images, the index's digest, from which each machine selects its own image
TOOLS = {
    "docker": ("buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", "{}"),
    "skopeo": ("inspect", "--no-tags", "--format", "{{.Digest}}", "docker://{}"),
    "crane": ("digest", "{}"),
}
TOOL_SECONDS = 60


class NotResolved(Exception):
    """An image's digest could not be resolved."""


def is_pulled(name: str) -> bool:
    """Return whether an image comes from a registry. Our own, built from the Dockerfile, has no tag here."""
    return ":" in name.rsplit("/", 1)[-1]


def resolve(name: str, tools: dict[str, str]) -> str:
    """Return a tag's current digest.

    Args:
        name: such as `caddy:2.10-alpine`.
        tools: paths of the programs to try, in order, by their names in `TOOLS`.

    Raises:
        NotResolved: none succeeded; with the last line of each one's output.
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
    """Return the text with each pulled image followed by its digest."""

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{found['before']}{name}@{digests[name]}" if name in digests else found[0]

    return REFERENCE.sub(replace, text)


def main() -> int:
    """Pin every image, or print why not and change nothing."""
    tools = {name: path for name in TOOLS if (path := shutil.which(name))}
    if not tools:
        sys.stderr.write(f"error: none of {', '.join(TOOLS)} is on PATH; nothing was changed\n")
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
