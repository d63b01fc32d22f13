"""Whose database, and which keys: by the settings."""

import os
from pathlib import Path

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from liftos.runtime import embedded
from liftos.runtime.backup.types import RecoveryFailed


def superuser_url(given: str) -> str:
    """Return the URL of a role that row-level security does not bind.

    Raises:
        RecoveryFailed: there is none to be known.
    """
    if given:
        return given
    if os.environ.get("DATABASE_URL"):
        raise RecoveryFailed(
            "name the database as a superuser with --url: LiftOS' own roles see single organisations"
        )
    addresses = embedded.urls(embedded.home())
    # the superuser's own database is another
    name = conninfo_to_dict(addresses.database_url)["dbname"]
    return make_conninfo(addresses.superuser_database_url, dbname=name)


def key_files() -> dict[str, Path]:
    """Return the files that hold the installation's keys, by the name they have in a backup."""
    return {
        "ledger_key": Path(settings.LIFTOS_LEDGER_KEY_FILE),
        "value_key": Path(settings.LIFTOS_VALUE_KEY_FILE),
        "secret_key": embedded.home() / "secret_key",
    }
