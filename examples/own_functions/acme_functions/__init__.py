"""Acme's own workflow functions, loaded by LIFTOS_APPS=acme_functions."""

from acme_functions import margins  # noqa: F401  registers them
