"""The reference of `bench workflows`: DBOS Transact in its own virtual environment. Imports nothing of ours.

`python dbos_program.py URL CHAINS RUNS`: prints one JSON object of figures. The steps do nothing, like ours.
"""

import json
import logging
import sys
import time

from dbos import DBOS

CHAIN = 10


@DBOS.step()
def nothing(number: int) -> int:
    """Do nothing, durably."""
    return number


@DBOS.workflow()
def chain(length: int) -> int:
    """Run this many steps in sequence."""
    total = 0
    for number in range(length):
        total += nothing(number)
    return total


def main(url: str, chains: int, runs: int) -> None:
    """Measure and print."""
    # defaults, except for the database and logging
    DBOS(
        config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False}
    )
    logging.disable(logging.WARNING)
    DBOS.launch()
    try:
        for _ in range(20):
            chain(CHAIN)
        one = [_timed(1) for _ in range(chains)]
        ten = [_timed(CHAIN) for _ in range(chains)]
        began = time.perf_counter()
        handles = [DBOS.start_workflow(chain, CHAIN) for _ in range(runs)]
        for handle in handles:
            handle.get_result()
        took = time.perf_counter() - began
        sys.stdout.write(json.dumps({"one": one, "ten": ten, "steps_a_second": runs * CHAIN / took}) + "\n")
    finally:
        DBOS.destroy()


def _timed(length: int) -> float:
    began = time.perf_counter()
    chain(length)
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
