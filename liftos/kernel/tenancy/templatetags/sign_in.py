"""The links of the log-in page to the providers at which staff sign in."""

from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from liftos.kernel.tenancy.sign_in.providers import providers

register = template.Library()


@register.simple_tag
def sign_in_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return label and URL of each provider."""
    query = urlencode({"next": request.GET.get("next", "")})
    return [
        {"label": each.label, "url": f"{reverse('sign_in', args=[name])}?{query}"}
        for name, each in providers().items()
    ]


@register.simple_tag
def passwords_on() -> bool:
    """Return whether staff may sign in with a password."""
    return bool(settings.LIFTOS_ADMIN_PASSWORDS)
