"""Publishing checkpoints: anyone who keeps one can later prove that the log was rewritten.

The checkpoints in the database are the outbox, with the size delivered so far per destination. A worker delivers them in order,
each at least once, so a slow receiver delays neither recording nor sequencing.
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.conf import settings

from accountability.ledger import store
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http import client

logger = logging.getLogger("liftos.ledger")

TIMEOUT_S = 5
# how long a process holds the lease on a destination; renewed with each checkpoint
LEASE_SECONDS = 30
# checkpoints per organisation and run: a long backlog must not delay the others
BATCH = 100

Send = Callable[[str], None]

# one run at a time per process: otherwise each tick would block another of the worker's threads while a receiver hangs
_running = threading.Lock()


class Undelivered(Exception):
    """The destination did not accept a checkpoint; it is sent again later."""


def destinations() -> dict[str, Send]:
    """Return the configured destinations by name, each with its send function."""
    found: dict[str, Send] = {}
    if settings.LIFTOS_CHECKPOINT_FILE:
        path = Path(settings.LIFTOS_CHECKPOINT_FILE)
        found["file"] = lambda text: _append(path, text)
    if settings.LIFTOS_CHECKPOINT_URL:
        url = settings.LIFTOS_CHECKPOINT_URL
        found["url"] = lambda text: _post(url, text)
    return found


def deliver_all() -> int:
    """Send undelivered checkpoints to every destination; return how many were sent.

    After a failure a destination is skipped until the next run.
    """
    if not _running.acquire(blocking=False):
        return 0
    try:
        return sum(_deliver_to(destination, send) for destination, send in destinations().items())
    finally:
        _running.release()


def _deliver_to(destination: str, send: Send) -> int:
    sent = 0
    for organisation in store.organisations_with_undelivered(destination):
        try:
            sent += deliver(organisation=organisation, destination=destination, send=send)
        except Undelivered as error:
            logger.error("checkpoint not delivered", extra={"to": destination, "reason": str(error)})  # noqa: TRY400
            break
    return sent


def deliver(*, organisation: UUID, destination: str, send: Send) -> int:
    """Send an organisation's next checkpoints, oldest first; return how many were sent.

    Raises:
        Undelivered: one was not accepted; it and those after it are sent in the next run.
    """
    for sent in range(BATCH):
        # a lease, not a lock, so that no transaction is open while the receiver answers
        with tenant_transaction(organisation):
            waiting = store.next_undelivered(organisation, destination)
            if waiting is None or not store.lease_delivery(organisation, destination, LEASE_SECONDS):
                return sent
        size, text = waiting
        try:
            send(text)
        except Undelivered:
            with tenant_transaction(organisation):
                store.end_lease(organisation, destination)
            raise
        # recorded one by one, so that a later failure does not cause this one to be sent again
        with tenant_transaction(organisation):
            store.note_delivered(organisation, destination, size)
    return BATCH


def _append(path: Path, text: str) -> None:
    try:
        # a single write with O_APPEND, so that several processes' checkpoints don't interleave
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{text}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Undelivered(f"{path}: {error.strerror}") from error


def _post(url: str, text: str) -> None:
    if not url.startswith(("http://", "https://")):
        # `manage.py check` reports this as liftos.E003, but a worker does not run checks
        raise Undelivered("LIFTOS_CHECKPOINT_URL is not http(s)")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        answer = client.post(url, text.encode(), headers=headers, timeout=TIMEOUT_S)
    except client.NoAnswer as error:
        raise Undelivered(f"no response: {error}") from error
    if not answer.is_success:
        raise Undelivered(f"status {answer.status}")
