"""The ASGI application: Django's views in threads, behind an event loop that waits for slow callers.

A request's body is read (`bodies`), it waits for a thread (`lanes`), Django's WSGI handler runs there, and the response is
sent. Views stay synchronous, because a transaction belongs to one thread; a `ContinuedResponse` goes on without a thread
(event streams). Native ASGI applications (tool servers) are mounted by path.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

from liftos.kernel.deadlines import Deadline, use_deadline
from liftos.kernel.errors import LiftosError, TooLarge
from liftos.kernel.http.continued import ContinuedResponse
from liftos.kernel.http.middleware import body_limit
from liftos.kernel.http.parsing import WITHHELD
from liftos.kernel.precedence import Precedence, give_way
from liftos.runtime.web.bodies import Body, Disconnected, Receive, Room
from liftos.runtime.web.callers import Callers
from liftos.runtime.web.environ import Scope, environ_of
from liftos.runtime.web.gate import ANYBODY, may_send, refusal
from liftos.runtime.web.lanes import Lanes, TooBusy
from liftos.runtime.web.refusals import Headers, refuse

logger = logging.getLogger("liftos.http")

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]
Content = bytes | AsyncGenerator[bytes] | None
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# answered even when all threads are busy
PROBES = frozenset({"/ready", "/health", "/metrics"})
PROBE_THREADS = 2
# maximum time for a client to read a chunk of a streamed response
SLOW_READER_SECONDS = 30.0


class Bridge:
    """Serves HTTP requests from the ASGI applications mounted at their paths, and from a WSGI application otherwise.

    Args:
        wsgi: Django's handler.
        mounts: ASGI application by path prefix.
    """

    def __init__(self, wsgi: WsgiApplication, mounts: Mapping[str, AsgiApplication]) -> None:
        """Read the settings; threads start with the first request, after any fork."""
        self._wsgi = wsgi
        self._mounts = dict(mounts)
        self._callers = Callers()
        self._room = Room(settings.LIFTOS_MAX_SPOOL_BYTES)
        threads = settings.LIFTOS_WEB_THREADS
        self._lanes = Lanes(
            threads=threads, share=settings.LIFTOS_WEB_SHARE, costly=settings.LIFTOS_WEB_COSTLY
        )
        self._precedence = Precedence()
        self._threads = ThreadPoolExecutor(threads, "web")
        self._probes = ThreadPoolExecutor(PROBE_THREADS, "probe")
        # imports all views now, before any fork, not on the event loop with the first request
        is_costly("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or lifespan events."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (mounted := self._mounted(scope["path"])) is not None:
            await mounted(scope, receive, send)
        else:
            await self.serve(scope, receive, send)

    def mount(self, prefix: str, application: AsgiApplication) -> None:
        """Mount an ASGI application; it has everything at and below its prefix."""
        self._mounts[prefix] = application

    async def refusal(self, scope: Scope) -> LiftosError | None:
        """Return why the API refuses a request's credential, or None."""
        environ = environ_of(scope, BytesIO(), 0)
        return await self._in_thread(scope, lambda: refusal(environ), costly=False)

    async def read_body(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        """Return the body of a request to a mounted application, read as for the API's own.

        Raises:
            TooLarge: it is longer than the limit, in bytes.
            SlowBody: the sender is too slow.
            NoRoom: all bodies together exceed the space.
            Disconnected: the caller has disconnected.
        """
        declared = _declared_length(scope)
        if declared is not None and declared > limit:
            raise TooLarge
        body = self._body(receive)
        try:
            await body.read(limit)
            if body.length > limit:
                raise TooLarge
            return body.rewind().read()
        finally:
            body.close()

    def _body(self, receive: Receive) -> Body:
        return Body(
            receive,
            room=self._room,
            directory=settings.LIFTOS_SPOOL_DIR or None,
            seconds=settings.LIFTOS_BODY_SECONDS,
        )

    def _mounted(self, path: str) -> AsgiApplication | None:
        for prefix, application in self._mounts.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return application
        return None

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request by the WSGI application, whatever is mounted at its path."""
        declared = _declared_length(scope)
        body = self._body(receive)
        try:
            environ = (
                environ_of(scope, BytesIO(), 0)
                if declared == 0
                else await self._with_body(scope, body, declared)
            )
            await self._work(scope, environ, receive, send)
        except Disconnected:
            return
        except LiftosError as error:
            await _send(send, error.status, *refuse(error.status))
        finally:
            if declared != 0:
                await body.drain()
            body.close()

    async def _with_body(self, scope: Scope, body: Body, declared: int | None) -> dict[str, Any]:
        """Return the WSGI environment with the body: complete, cut just past the limit, or withheld if unauthenticated."""
        limit = body_limit(scope["path"])
        if declared is not None and declared > limit:
            return environ_of(scope, BytesIO(), declared)  # the middleware rejects it by its length
        await body.read(min(ANYBODY, limit))
        if not body.complete:
            asked = environ_of(scope, BytesIO(), 0)
            if not await self._in_thread(scope, lambda: may_send(asked), costly=False):
                return asked | {WITHHELD: True}
            await body.read(limit)
        return environ_of(scope, body.rewind(), body.length)

    async def _work(self, scope: Scope, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        deadline = Deadline(settings.LIFTOS_REQUEST_SECONDS)
        loop = asyncio.get_running_loop()

        def emit(message: dict[str, Any]) -> None:
            give_way()
            deadline.check()
            asyncio.run_coroutine_threadsafe(send(message), loop).result(SLOW_READER_SECONDS)

        def answer() -> tuple[int, Headers, Content]:
            with use_deadline(deadline), self._precedence.costly() if costly else nullcontext():
                return self._call(environ, emit)

        costly = is_costly(scope["path"])
        watch = asyncio.ensure_future(_watch(receive, deadline)) if costly else None
        try:
            status, headers, content = await self._in_thread(scope, answer, costly=costly, environ=environ)
        except asyncio.CancelledError:
            deadline.abandoned = True
            raise
        finally:
            if watch is not None:
                watch.cancel()
        if isinstance(content, bytes):
            await _send(send, status, headers, content)
        elif content is not None:
            await _continue(send, status, headers, content)

    async def _in_thread(
        self, scope: Scope, work: Callable[[], Any], *, costly: bool, environ: dict[str, Any] | None = None
    ) -> Any:
        """Run `work` in a thread when it is the caller's turn; return its result."""
        if scope["path"] in PROBES:
            with self._precedence.small():
                return await asyncio.wrap_future(self._probes.submit(work))
        credential = self._callers.credential_of(scope)
        lane = self._callers.lane_of(credential)
        if not self._lanes.try_enter(lane, costly=costly):
            try:
                async with asyncio.timeout(settings.LIFTOS_QUEUE_SECONDS):
                    await self._lanes.enter(lane, costly=costly)
            except TimeoutError:
                raise TooBusy from None
        loop = asyncio.get_running_loop()
        with nullcontext() if costly else self._precedence.small():
            future = self._threads.submit(work)
            # the thread continues after the caller has disconnected, and occupies the lane until it is done
            future.add_done_callback(
                lambda _: loop.call_soon_threadsafe(self._left, lane, costly, credential, environ)
            )
            return await asyncio.wrap_future(future)

    def _left(self, lane: str, costly: bool, credential: bytes, environ: dict[str, Any] | None) -> None:
        self._lanes.leave(lane, costly=costly)
        if environ is not None and (organisation := environ.get("liftos.organisation")):
            self._callers.learn(credential, organisation)

    def _call(
        self, environ: dict[str, Any], emit: Callable[[dict[str, Any]], None]
    ) -> tuple[int, Headers, Content]:
        """Run the handler; the content is None if it was streamed, a generator if it is to be sent from the event loop."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            del exc_info  # Django handles its errors itself
            started.extend((status, headers))

        response: Any = self._wsgi(environ, start_response)
        try:
            status = int(started[0][:3])
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in started[1]]
            if isinstance(response, ContinuedResponse) and environ["REQUEST_METHOD"] != "HEAD":
                # how long it will be is unknown
                headers = [each for each in headers if each[0].lower() != b"content-length"]
                return status, headers, response.chunks()
            if not getattr(response, "streaming", False):
                return status, headers, b"".join(response)
            emit({"type": "http.response.start", "status": status, "headers": headers})
            for chunk in response:
                emit({"type": "http.response.body", "body": chunk, "more_body": True})
            emit({"type": "http.response.body", "body": b""})
            return status, headers, None
        finally:
            response.close()


@lru_cache(maxsize=10_000)
def is_costly(path: str) -> bool:
    """Return whether the view at a path is marked costly."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return bool(getattr(getattr(view, "view_class", None), "costly", False))


def _declared_length(scope: Scope) -> int | None:
    """Return the length of the body, or None if it is chunked."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


async def _watch(receive: Receive, deadline: Deadline) -> None:
    """Mark the work as abandoned when its caller disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
    deadline.abandoned = True


async def _send(send: Send, status: int, headers: Headers, content: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _continue(send: Send, status: int, headers: Headers, chunks: AsyncGenerator[bytes]) -> None:
    """Send a body that the event loop produces; a reader that is too slow is cut off."""
    async with aclosing(chunks):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for chunk in chunks:
            try:
                async with asyncio.timeout(settings.LIFTOS_STREAM_READER_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except TimeoutError:
                logger.info("stream cut: its reader is too slow")
                return
    await send({"type": "http.response.body", "body": b""})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        phase = (await receive())["type"]
        await send({"type": f"{phase}.complete"})
        if phase == "lifespan.shutdown":
            return
