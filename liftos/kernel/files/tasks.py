"""Celery tasks of the file store."""

import logging

from celery import shared_task

from liftos.kernel.files.errors import FileStoreUnavailable
from liftos.kernel.files.operations import list_organisations_with_loose_files, remove_loose

logger = logging.getLogger("liftos.files")


@shared_task(name="files.sweep")
def sweep() -> None:
    """Remove files that nothing refers to."""
    for organisation in list_organisations_with_loose_files():
        try:
            while remove_loose(organisation=organisation):
                pass
        except FileStoreUnavailable:
            logger.warning("loose files remain: the file store is unavailable")
            return
