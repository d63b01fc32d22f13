"""`bench calibration`: review an overconfident source, and evaluate its recalibration on unreviewed decisions.

Confidences are drawn from a beta distribution (5, 2); a decision stated at c is right with probability sigma(0.7 logit(c) - 0.9).
Each is recorded and reviewed through the normal operations, so the figures cover the whole path.
"""

from collections.abc import Generator

import numpy as np
from django.utils import timezone
from tqdm import tqdm

from accountability.calibration.measures import brier_score, calibration_error
from accountability.calibration.operations import calibrate
from accountability.calibration.recalibration import Recalibration
from accountability.operations import record
from accountability.reviews.operations import review
from accountability.types import Verdict
from liftos.bench.database import scratch_organisation
from liftos.bench.timing import timed
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.transactions import tenant_transaction
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
    with scratch_organisation() as organisation:
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
            verdict, why = Verdict.APPROVE if good else Verdict.OVERTURN, "as it turned out"
            review(organisation=organisation, by=REVIEWER, decision=made, verdict=verdict, reason=why)
        now = timezone.now()
        [row], took = timed(lambda: calibrate(organisation=organisation, by=SYSTEM, now=now))
    raw, after = (row.figures[name]["calibration_error"]["value"] for name in ("raw", "after"))
    yield Figure(f"ECE as stated, {REVIEWED:,} reviewed", raw, "", target=Target(">=", 0.1))
    most = Target("<=", 0.05)
    yield Figure(f"ECE recalibrated ({row.method}), cross-validated", after, "", "as stated", raw, most)
    unseen, came = draw(UNSEEN, draws)
    worth = Recalibration(row.method, row.parameters).apply(unseen)
    for title, measure, target in (("ECE", calibration_error, most), ("Brier score", brier_score, None)):
        now_off, before_off = measure(worth, came), measure(unseen, came)
        yield Figure(f"{title} recalibrated, {UNSEEN:,} others", now_off, "", "as stated", before_off, target)
    yield Figure("calibrating, intervals included", took, "s")


BENCH = Bench("calibration", "calibration error of confidences before and after recalibration", run)
