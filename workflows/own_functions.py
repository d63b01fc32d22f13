"""Functions of one's own: Python modules named by LIFTOS_APPS, which register workflow functions when they are imported."""

from collections.abc import Iterable
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured

from liftos.kernel.functions import known_keys, unregister

_OURS = frozenset(
    {
        "accountability",
        "decision",
        "decisions",
        "event",
        "http",
        "marketing",
        "memory",
        "spaces",
        "system",
        "workflow",
    }
)


def load_functions(modules: Iterable[str]) -> list[str]:
    """Import modules; return name and version of the functions that they registered.

    Raises:
        ImproperlyConfigured: a module can't be imported, or registers a name that begins like one of the product's.
    """
    known = set(known_keys())
    taken = _OURS | {key.partition("@")[0].partition(".")[0] for key in known}
    for module in modules:
        try:
            import_module(module)
        except Exception as error:
            raise ImproperlyConfigured(
                f"LIFTOS_APPS: can't import {module}: {type(error).__name__}: {error}"
            ) from error
    added = [key for key in known_keys() if key not in known]
    for key in added:
        name = key.partition("@")[0]
        if name.partition(".")[0] in taken:
            unregister(name)
            raise ImproperlyConfigured(
                f"LIFTOS_APPS: {name} begins like a function of LiftOS; use a prefix of your own."
            )
    return added
