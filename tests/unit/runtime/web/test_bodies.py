import asyncio

import pytest

from liftos.runtime.web.bodies import Body, Disconnected, NoRoom, Room, SlowBody


def receiver(*chunks, then=None):
    """An ASGI receive with these chunks, ending the body, or followed by `then`."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": then is not None or number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]

    async def receive():
        if messages:
            return messages.pop(0)
        if then == "silence":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return receive


def body_of(receive, *, room=None, seconds=5.0):
    return Body(receive, room=room or Room(10**9), directory=None, seconds=seconds)


def test_a_body_in_pieces_is_read_whole():
    body = body_of(receiver(b"ab", b"", b"cd"))
    asyncio.run(body.read(100))
    assert (body.length, body.complete, body.rewind().read()) == (4, True, b"abcd")


def test_large_body_is_read_completely():
    pieces = [bytes([number % 256]) * 65536 for number in range(40)]
    body = body_of(receiver(*pieces))
    asyncio.run(body.read(10**8))
    assert body.rewind().read() == b"".join(pieces)


def test_reading_stops_just_past_the_limit():
    body = body_of(receiver(*[b"x" * 10] * 100))
    asyncio.run(body.read(25))
    assert (body.length, body.complete) == (30, False)


def test_stalled_body_times_out():
    body = body_of(receiver(b"half", then="silence"), seconds=0.05)
    with pytest.raises(SlowBody):
        asyncio.run(body.read(100))


def test_disconnect_is_noticed():
    with pytest.raises(Disconnected):
        asyncio.run(body_of(receiver(b"half", then="gone")).read(100))


def test_bodies_share_and_release_the_spool_limit():
    room = Room(100)
    first, second = body_of(receiver(b"x" * 60), room=room), body_of(receiver(b"x" * 60), room=room)
    asyncio.run(first.read(1000))
    with pytest.raises(NoRoom):
        asyncio.run(second.read(1000))
    first.close()
    second.close()
    assert room.taken == 0
