import asyncio

import pytest

from liftos.runtime.web import lanes
from liftos.runtime.web.lanes import Lanes, TooBusy


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Worker:
    """Requests of several organisations, and their order of admission."""

    def __init__(self, **sizes):
        self.lanes = Lanes(**({"threads": 4, "share": 0.75, "costly": 1} | sizes))
        self.admitted = []
        self.tasks = []

    async def ask(self, organisation, *, costly=False):
        async def enter():
            if not self.lanes.try_enter(organisation, costly=costly):
                await self.lanes.enter(organisation, costly=costly)
            self.admitted.append(organisation)

        task = asyncio.create_task(enter())
        self.tasks.append(task)
        await settle()
        return task

    async def done(self, organisation, *, costly=False):
        self.lanes.leave(organisation, costly=costly)
        await settle()


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_organisation_is_capped_and_another_gets_a_thread_at_once():
    async def scenario():
        work = Worker()
        for _ in range(6):
            await work.ask("a")
        assert work.admitted == ["a"] * 3
        await work.ask("b")
        assert work.admitted == ["a", "a", "a", "b"]
        assert work.lanes.waiting == 3
        for task in work.tasks:
            task.cancel()

    run(scenario)


def test_waiting_organisations_are_served_in_turn():
    async def scenario():
        work = Worker(threads=1, share=1.0)
        for organisation in ("a", "a", "a", "a", "b", "c"):
            await work.ask(organisation)
        for organisation in ("a", "a", "b", "c", "a"):
            await work.done(organisation)
        assert work.admitted == ["a", "a", "b", "c", "a", "a"]
        assert work.lanes.waiting == 0

    run(scenario)


def test_costly_requests_queue_without_blocking_others():
    async def scenario():
        work = Worker()
        await work.ask("a", costly=True)
        await work.ask("a", costly=True)
        await work.ask("b", costly=True)
        await work.ask("a")
        assert work.admitted == ["a", "a"]
        await work.done("a", costly=True)
        await work.done("a", costly=True)
        assert work.admitted == ["a", "a", "a", "b"]

    run(scenario)


def test_cancelled_waiter_leaves_the_queue():
    async def scenario():
        work = Worker(threads=1)
        await work.ask("a")
        gone = await work.ask("b")
        await work.ask("c")
        gone.cancel()
        await settle()
        await work.done("a")
        assert work.admitted == ["a", "c"]
        assert work.lanes.waiting == 0

    run(scenario)


def test_turn_of_a_cancelled_waiter_goes_to_the_next():
    async def scenario():
        work = Worker(threads=1)
        await work.ask("a")
        gone = await work.ask("b")
        await work.ask("c")
        work.lanes.leave("a", costly=False)  # b's turn, before b has run
        gone.cancel()
        await settle()
        assert work.admitted == ["a", "c"]

    run(scenario)


def test_queue_is_bounded(monkeypatch):
    monkeypatch.setattr(lanes, "MOST_WAITING", 2)

    async def scenario():
        work = Worker(threads=1)
        for _ in range(3):
            await work.ask("a")
        refused = await work.ask("a")
        with pytest.raises(TooBusy):
            refused.result()
        other = await work.ask("b")
        assert not other.done()
        for task in work.tasks:
            task.cancel()

    run(scenario)
