"""Routes of other products' APIs, so that their clients work with LiftOS (docs/dropins.md)."""

from liftos.dropins.mem0.urls import urlpatterns as mem0_urls
from liftos.dropins.openai.urls import urlpatterns as openai_urls

urlpatterns = [*mem0_urls, *openai_urls]
