"""Checkpoints leave the house: who keeps one can show later that the log it names was rewritten.

The signed checkpoints in the database are their own outbox; beside them stands up to which size each place has them. They go
out in order, each at least once, by a worker: nobody who records or sequences waits for a slow receiver.
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
# how long a place is one process's to deliver to, from one checkpoint to the next
LEASE_SECONDS = 30
# of one organisation in one run: a long backlog must not hold up the others
BATCH = 100

Send = Callable[[str], None]

# one run at a time in a process: while a receiver hangs, each tick would tie up another of the worker's threads
_running = threading.Lock()


class Undelivered(Exception):
    """The place did not take a checkpoint; it is sent again later."""


def destinations() -> dict[str, Send]:
    """Return the places that the settings name, and how to send there."""
    found: dict[str, Send] = {}
    if settings.LIFTOS_CHECKPOINT_FILE:
        path = Path(settings.LIFTOS_CHECKPOINT_FILE)
        found["file"] = lambda text: _append(path, text)
    if settings.LIFTOS_CHECKPOINT_URL:
        url = settings.LIFTOS_CHECKPOINT_URL
        found["url"] = lambda text: _post(url, text)
    return found


def deliver_all() -> int:
    """Send what has not been sent yet to every place; return how many checkpoints went out.

    A place that fails is left alone until the next run; the others are not held up.
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
    """Send an organisation's next checkpoints, oldest first; return how many went out.

    Raises:
        Undelivered: one was not taken; it and those after it stay for the next time.
    """
    for sent in range(BATCH):
        # leased, not locked: no transaction waits for the other side
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
        # noted one by one: one that was taken is never sent again for the sake of one that was not
        with tenant_transaction(organisation):
            store.note_delivered(organisation, destination, size)
    return BATCH


def _append(path: Path, text: str) -> None:
    try:
        # one write of an append-only descriptor: several processes' checkpoints stay whole
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{text}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Undelivered(f"{path}: {error.strerror}") from error


def _post(url: str, text: str) -> None:
    if not url.startswith(("http://", "https://")):
        # liftos.E003 says so at `manage.py check`, which a worker does not run
        raise Undelivered("LIFTOS_CHECKPOINT_URL is not http(s)")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        answer = client.post(url, text.encode(), headers=headers, timeout=TIMEOUT_S)
    except client.NoAnswer as error:
        raise Undelivered(f"no answer: {error}") from error
    if not answer.is_success:
        raise Undelivered(f"status {answer.status}")
