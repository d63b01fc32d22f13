"""Responses whose body is sent by the event loop, without a thread, for as long as it takes (liftos.runtime.web.bridge)."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from django.http import HttpResponse


class ContinuedResponse(HttpResponse):
    """A response without content of its own, whose body follows once the view's thread is free.

    Args:
        chunks: returns the body, called on the event loop; what it holds is freed when the generator ends or is closed.
    """

    def __init__(self, chunks: Callable[[], AsyncGenerator[bytes]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chunks = chunks
