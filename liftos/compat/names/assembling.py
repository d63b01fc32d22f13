"""Django's setup for importing the old platform's names in a plain process."""

import os

import django
from django.apps import apps
from django.conf import settings

SETTINGS = "liftos.settings"


def assemble() -> None:
    """Set Django up, unless it is already set up or loading.

    Raises:
        ImportError: the settings are another project's.
    """
    if not apps.ready and not apps.loading:
        if not settings.configured:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
        django.setup()
    if apps.ready and not apps.is_installed("workflows"):
        raise ImportError(
            f"liftos.spine needs LiftOS's own settings: set DJANGO_SETTINGS_MODULE={SETTINGS} and call django.setup() first"
        )
