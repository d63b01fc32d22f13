"""Checkpoints leave the house: who keeps one can show later that the log it names was rewritten."""

import logging
import os
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings

logger = logging.getLogger("liftos.ledger")

TIMEOUT_S = 5


def publish(text: str) -> None:
    """Append a signed checkpoint to the file and post it to the address that the settings name, if any.

    A failure is logged and changes nothing: the next checkpoint covers this one.
    """
    if settings.LIFTOS_CHECKPOINT_FILE:
        _append(Path(settings.LIFTOS_CHECKPOINT_FILE), text)
    if settings.LIFTOS_CHECKPOINT_URL:
        _post(settings.LIFTOS_CHECKPOINT_URL, text)


def _append(path: Path, text: str) -> None:
    try:
        # one write of an append-only descriptor: several processes' checkpoints stay whole
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{text}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.error("checkpoint not written", extra={"path": str(path), "reason": error.strerror})  # noqa: TRY400


def _post(url: str, text: str) -> None:
    if not url.startswith(("http://", "https://")):
        # liftos.E003 says so at `manage.py check`, which a web server does not run
        logger.error("checkpoint not posted: LIFTOS_CHECKPOINT_URL is not http(s)")
        return
    request = urllib.request.Request(  # noqa: S310  http(s), checked above
        url, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310  as above
            return
    except (urllib.error.URLError, OSError, ValueError) as error:
        logger.error("checkpoint not posted", extra={"reason": str(error)})  # noqa: TRY400
