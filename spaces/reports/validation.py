"""Validation of dimensions: do they measure what their poles describe? Pure NumPy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spaces.geometry.agreement import auc, spearman
from spaces.geometry.projection import Axis, Background, describe, labelled_axis, pole_axis

Array = np.ndarray

# thresholds of the warnings
WEAK_SEPARATION = 1.0
REDUNDANT = 0.9
WEAK_AGREEMENT = 0.3
# members with both coordinates that a correlation requires
MIN_MEMBERS = 10


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of a dimension with ratings.

    Attributes:
        texts: number of rated texts.
        poles: Spearman with the poles alone, over all texts, whose embeddings (not ratings) shape the axis.
        poles_auc: the chance that a text in the upper half of the ratings has a higher value.
        inductive: Spearman on held-out texts, which did not shape the axis: mean over half splits.
        labelled: Spearman with labelled examples, on the other texts: mean over the splits.
        labelled_sd: its standard deviation over the splits.
        labelled_worst: its 5th percentile.
        examples: labelled per split.
        splits: their number.
        separation: of the poles, in standard deviations of the texts.
    """

    texts: int
    poles: float
    poles_auc: float
    inductive: float
    labelled: float
    labelled_sd: float
    labelled_worst: float
    examples: int
    splits: int
    separation: float


def measure_agreement(
    *,
    low: Array,
    high: Array,
    texts: Array,
    ratings: Array,
    prior: Background,
    examples: int = 20,
    splits: int = 100,
    seed: int = 7,
) -> Agreement:
    """Return how a dimension agrees with ratings, with the poles alone and with labelled examples.

    Each split draws examples at random and is measured on all other texts.

    Args:
        low: shape (m, d): embeddings of the low pole's texts.
        high: shape (m, d): of the high pole's.
        texts: shape (n, d): of the rated texts, n > examples + 1.
        ratings: shape (n,), increasing from low to high.
        prior: background of other texts.
        examples: labelled per split, ≥ 2.
        splits: their number.
        seed: of the splits.

    Raises:
        PolesCoincide: the poles have the same meaning.
        ValueError: too few texts.
    """
    count = len(texts)
    if count < examples + 2:
        raise ValueError(f"{examples} labelled examples require at least {examples + 2} rated texts")
    background = describe(texts, prior)
    axis = pole_axis(low, high, background)
    alone = axis.z_scores(texts)
    draw = np.random.default_rng(seed)
    found, held = [], []
    for _ in range(splits):
        order = draw.permutation(count)
        chosen, rest = order[:examples], order[examples:]
        corrected = labelled_axis(axis, texts[chosen], ratings[chosen], background)
        found.append(spearman(corrected.z_scores(texts[rest]), ratings[rest]))
        seen, unseen = order[: count // 2], order[count // 2 :]
        other = pole_axis(low, high, describe(texts[seen], prior))
        held.append(spearman(other.z_scores(texts[unseen]), ratings[unseen]))
    return Agreement(
        texts=count,
        poles=spearman(alone, ratings),
        poles_auc=auc(alone, ratings > np.median(ratings)),
        inductive=float(np.mean(held)),
        labelled=float(np.mean(found)),
        labelled_sd=float(np.std(found)),
        labelled_worst=float(np.quantile(found, 0.05)),
        examples=examples,
        splits=splits,
        separation=axis.separation,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """The quality of one dimension.

    Attributes:
        name: of the dimension.
        kind: what places members on it: poles, field, or nothing.
        known: share of the members with a coordinate, 0..1.
        separation: of the poles, in standard deviations of the texts, None without poles.
        spearman: leave-one-out agreement with labelled examples, None without.
        auc: the chance that an example in the upper half has a higher value, None without.
        twin: the most correlated other dimension, empty without.
        correlation: with `twin`, over the members, -1..1.
        warnings: one sentence each.
    """

    name: str
    kind: str
    known: float
    separation: float | None = None
    spearman: float | None = None
    auc: float | None = None
    twin: str = ""
    correlation: float = 0.0
    warnings: tuple[str, ...] = ()


def leave_one_out(axis: Axis, examples: Array, labels: Array, background: Background) -> Array:
    """Return each example's z-score on an axis fitted to the others, shape (n,).

    With fewer than three examples, on the poles' axis: the remaining ones are too few to fit.
    """
    if len(labels) < 3:
        return axis.z_scores(examples)
    found = np.empty(len(labels))
    for number in range(len(labels)):
        others = np.arange(len(labels)) != number
        if np.std(labels[others]) > 0:
            fitted = labelled_axis(axis, examples[others], labels[others], background)
        else:
            fitted = axis
        found[number] = fitted.z_scores(examples[number : number + 1])[0]
    return found


def report_dimensions(
    *,
    names: Sequence[str],
    kinds: Sequence[str],
    points: Array,
    separations: Sequence[float | None],
    labelled: Sequence[tuple[Array, Array] | None],
) -> list[Report]:
    """Return a report on each of a space's dimensions.

    Args:
        names: of the k dimensions.
        kinds: what places members on each: poles, field or nothing.
        points: the members, shape (n, k), on unit scales, NaN where unknown.
        separations: of each one's poles, None without.
        labelled: each one's examples as leave-one-out z-scores with their labels, None without.
    """
    correlations = _correlations(points)
    reports = []
    for number, name in enumerate(names):
        known = float((~np.isnan(points[:, number])).mean()) if len(points) else 0.0
        row = np.abs(correlations[number]) if len(names) > 1 else np.zeros(1)
        twin = int(np.argmax(row))
        correlation = float(correlations[number, twin]) if row[twin] > 0 else 0.0
        pair = labelled[number]
        agreement = spearman(*pair) if pair is not None else None
        found = Report(
            name=name,
            kind=kinds[number],
            known=known,
            separation=separations[number],
            spearman=agreement,
            auc=auc(pair[0], pair[1] > np.median(pair[1])) if pair is not None else None,
            twin=names[twin] if correlation else "",
            correlation=correlation,
        )
        reports.append(replace(found, warnings=tuple(_warnings(found, points[:, number]))))
    return reports


def _warnings(report: Report, column: Array) -> Iterator[str]:
    if report.kind == "nothing":
        yield "useless: without poles or a field, only explicit coordinates are known"
    elif len(column) and not report.known:
        yield "useless: no member has a coordinate"
    if report.known and np.nanstd(column) < 0.01:
        yield "useless: all members have the same coordinate"
    if report.separation is not None and report.separation < WEAK_SEPARATION:
        yield f"the poles are only {report.separation:.2f} standard deviations apart"
    if report.spearman is not None and not report.spearman >= WEAK_AGREEMENT:
        yield f"does not agree with its labelled examples (Spearman {report.spearman:.2f})"
    if abs(report.correlation) >= REDUNDANT:
        yield f"nearly the same as {report.twin} (correlation {report.correlation:.2f})"


def _correlations(points: Array) -> Array:
    """Return the dimensions' correlations over the members, shape (k, k), 0 on the diagonal and where undefined."""
    size = points.shape[1]
    found = np.zeros((size, size))
    for one in range(size):
        for other in range(one):
            both = ~np.isnan(points[:, one]) & ~np.isnan(points[:, other])
            a, b = points[both, one], points[both, other]
            if len(a) >= MIN_MEMBERS and a.std() > 0 and b.std() > 0:
                found[one, other] = found[other, one] = np.corrcoef(a, b)[0, 1]
    return found
