"""`bench calibration`: review an overconfident source, and evaluate its recalibration on unreviewed decisions.

Confidences are drawn from a beta distribution (5, 2); a decision stated at c is right with probability sigma(0.7 logit(c) - 0.9).
Each is recorded and reviewed through the normal operations, so the figures cover the whole path.
"""

from collections.abc import Generator
from time import perf_counter

import numpy as np
from django.utils import timezone
from tqdm import tqdm

from accountability.calibration.measures import brier_score, calibration_error
from accountability.calibration.operations import calibrate
from accountability.calibration.recalibration import Recalibration
from accountability.operations import record
from accountability.reviews.operations import review
from accountability.types import Verdict
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

REVIEWED, UNSEEN = 2_000, 20_000
AGENT, REVIEWER = Actor(ActorKind.API_KEY, "agent"), Actor(ActorKind.STAFF, "reviewer")


def draw(count: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated confidences and outcomes, float64, shape (count,)."""
    stated = draws.beta(5, 2, count)
    worth = 1 / (1 + np.exp(0.9 - 0.7 * np.log(stated / (1 - stated))))
    return stated, (draws.random(count) < worth).astype(np.float64)


def run(options: Options) -> Generator[Figure]:
    """Yield the errors before and after recalibration."""
    draws = np.random.default_rng(options.seed)
    stated, right = draw(REVIEWED, draws)
    with scratch_database("bench"):
        organisation = create_organisation(name="Bench", by=SYSTEM).id
        pairs = zip(stated, right, strict=True)
        for confidence, good in tqdm(pairs, total=REVIEWED, unit="review", desc="reviewing", disable=None):
            with tenant_transaction(organisation):
                made = record(
                    organisation=organisation,
                    by=AGENT,
                    operation="bench.choose",
                    reasoning="The highest of three scores.",
                    confidence=float(confidence),
                    confidence_method="bench",
                )
            verdict = Verdict.APPROVE if good else Verdict.OVERTURN
            review(
                organisation=organisation,
                by=REVIEWER,
                decision=made,
                verdict=verdict,
                reason="as it turned out",
            )
        start = perf_counter()
        [row] = calibrate(organisation=organisation, by=SYSTEM, now=timezone.now())
        took = perf_counter() - start
    raw, after = row.figures["raw"], row.figures["after"]
    yield Figure(
        f"ECE as stated, {REVIEWED:,} reviewed",
        raw["calibration_error"]["value"],
        "",
        target=Target(">=", 0.1),
    )
    yield Figure(
        f"ECE recalibrated ({row.method}), cross-validated",
        after["calibration_error"]["value"],
        "",
        "as stated",
        raw["calibration_error"]["value"],
        Target("<=", 0.05),
    )
    unseen, came = draw(UNSEEN, draws)
    worth = Recalibration(row.method, row.parameters).apply(unseen)
    yield Figure(
        f"ECE recalibrated, {UNSEEN:,} others",
        calibration_error(worth, came),
        "",
        "as stated",
        calibration_error(unseen, came),
        Target("<=", 0.05),
    )
    yield Figure(
        f"Brier score recalibrated, {UNSEEN:,} others",
        brier_score(worth, came),
        "",
        "as stated",
        brier_score(unseen, came),
    )
    yield Figure("calibrating, intervals included", took, "s")


BENCH = Bench("calibration", "calibration error of confidences before and after recalibration", run)
