"""Makes the old platform's names importable in a plain process: the project is set up before the first of them is imported."""

import os

import django
from django.apps import apps
from django.conf import settings

SETTINGS = "liftos.settings"


def assemble() -> None:
    """Set the project up, unless somebody has done so, or is at it.

    Raises:
        ImportError: the settings are another project's; says what to call first.
    """
    # while Django imports the apps, who imports us waits for the rest as any module does
    if not apps.ready and not apps.loading:
        if not settings.configured:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
        django.setup()
    if apps.ready and not apps.is_installed("workflows"):
        raise ImportError(
            f"liftos.spine needs LiftOS's own settings: set DJANGO_SETTINGS_MODULE={SETTINGS} and call django.setup() first"
        )
