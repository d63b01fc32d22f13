"""The database and key files to back up, from the settings."""

import os
from pathlib import Path

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from liftos.runtime import embedded
from liftos.runtime.backup.types import RecoveryFailed


def superuser_url(given: str) -> str:
    """Return a database URL with a role that bypasses row-level security.

    Raises:
        RecoveryFailed: none is known.
    """
    if given:
        return given
    if os.environ.get("DATABASE_URL"):
        raise RecoveryFailed(
            "give a superuser's database URL with --url: LiftOS's own roles see one organisation at a time"
        )
    addresses = embedded.urls(embedded.home())
    # the superuser's URL names another database
    name = conninfo_to_dict(addresses.database_url)["dbname"]
    return make_conninfo(addresses.superuser_database_url, dbname=name)


def key_files() -> dict[str, Path]:
    """Return the installation's key files by their name in a backup."""
    return {
        "ledger_key": Path(settings.LIFTOS_LEDGER_KEY_FILE),
        "value_key": Path(settings.LIFTOS_VALUE_KEY_FILE),
        "secret_key": embedded.home() / "secret_key",
    }
