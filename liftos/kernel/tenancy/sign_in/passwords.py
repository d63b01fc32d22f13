"""An authentication backend that refuses passwords if they are turned off."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class PasswordsOff:
    """Ends every attempt to sign in with a password, before other backends check it, unless LIFTOS_ADMIN_PASSWORDS is on."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Return None to let the other backends decide.

        Raises:
            PermissionDenied: passwords are turned off.
        """
        del request, credentials
        if not settings.LIFTOS_ADMIN_PASSWORDS:
            raise PermissionDenied
