"""`make compat [PATH=checkout]`: check that the old platform's callers still get the contract's answers.

Replays the calls of the original's programs against a product, and, where a checkout of the original is given, runs its own
programs too; prints a table. The product is one of its own, or the one at LIFTOS_COMPAT_URL, which must trust this machine's context
headers, create unknown organisations, and have the default organisation that LIFTOS_COMPAT_ORG names (docs/compat.md).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.product import product
from tests.compat.programs import Report, run_all
from tests.compat.replays import replay_all
from tests.compat.session import Outcome


def main(arguments: list[str]) -> int:
    """Print the table; return 1 if any answer differs from the contract."""
    checkout = Path(arguments[0]).expanduser() if arguments and arguments[0] else None
    if checkout is not None and not checkout.is_dir():
        sys.stderr.write(f"error: {checkout} is no directory\n")
        return 2
    with chosen_product() as (url, default_org), tempfile.TemporaryDirectory(prefix="liftos-compat-") as room:
        outcomes = replay_all(url, default_org)
        reports = run_all(checkout, Path(room), url) if checkout is not None else []
    replayed = summarised(outcomes)
    sys.stdout.write(table("Replays of their calls", replayed))
    if checkout is None:
        sys.stdout.write("\nTheir own programs: give a checkout of the original (make compat PATH=...).\n")
    else:
        sys.stdout.write("\n" + table(f"Their own programs, from {checkout}", reports))
    waiting = [each.call for each in outcomes if not each.served and not each.problem]
    sys.stdout.write(f"\nNot served yet ({len(waiting)}): {', '.join(waiting)}\n")
    return 1 if any(report.failed for report in [*replayed, *reports]) else 0


@contextmanager
def chosen_product() -> Iterator[tuple[str, str]]:
    """Yield the address and default organisation of the product under test."""
    if url := os.environ.get("LIFTOS_COMPAT_URL"):
        yield url.rstrip("/"), os.environ.get("LIFTOS_COMPAT_ORG", "")
        return
    with product(on_old_port=True) as made:
        yield made


def summarised(outcomes: list[Outcome]) -> list[Report]:
    """Return a report per replayed program; calls not served yet count neither as successes nor as failures."""
    reports: dict[str, Report] = {}
    for each in outcomes:
        report = reports.setdefault(each.program, Report(each.program))
        if each.served:
            report.calls += 1
            report.held += not each.problem
        if each.problem:
            report.failed.append(f"{each.call}: {each.problem}")
    return [report for report in reports.values() if report.calls or report.failed]


def table(title: str, reports: list[Report]) -> str:
    """Return a table: program, calls, successes, failures or why it did not run."""
    width = max((len(report.program) for report in reports), default=10)
    lines = [title, f"{'program':<{width}}  calls  as the contract says  what failed"]
    for report in reports:
        if report.skipped:
            lines.append(f"{report.program:<{width}}      -                     -  not run: {report.skipped}")
            continue
        first, *rest = report.failed or [""]
        lines.append(f"{report.program:<{width}}  {report.calls:5}  {report.held:20}  {first}".rstrip())
        lines += [f"{'':<{width}}{'':31}{each}" for each in rest]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
