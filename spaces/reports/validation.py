"""Does a dimension measure what its poles say? Pure NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spaces.geometry.agreement import auc, spearman
from spaces.geometry.projection import Axis, Background, describe, labelled_axis, pole_axis

Array = np.ndarray

# below these a dimension is warned of: the poles hardly differ; two dimensions say nearly the same; labels disagree
WEAK_SEPARATION = 1.0
REDUNDANT = 0.9
WEAK_AGREEMENT = 0.3
# from so many members on that are known on both, a correlation is worth telling
FEW = 10


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a dimension's figures agree with ratings.

    Attributes:
        texts: how many were rated.
        poles: Spearman by the poles alone, over all texts. The texts' embeddings, not their ratings, shape the axis.
        poles_auc: the chance that a text of the upper half of the ratings has the higher figure.
        inductive: the same of texts that did not shape the axis: mean over the splits, which halve the texts.
        labelled: Spearman with labelled examples, of the texts that are not among them: mean over the splits.
        labelled_sd: its standard deviation over the splits.
        labelled_worst: its 5% quantile.
        examples: how many were labelled in each split.
        splits: how many.
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


def agree(
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
    """Return how a dimension agrees with ratings, by itself and with some of them as labelled examples.

    Every split takes examples at random and is measured on all other texts.

    Args:
        low: shape (m, d): embeddings of the low pole's texts.
        high: shape (m, d): of the high pole's.
        texts: shape (n, d): of the rated texts, n > examples + 1.
        ratings: shape (n,), rising from low to high.
        prior: of other texts.
        examples: labelled in each split, ≥ 2.
        splits: how many.
        seed: of the splits.

    Raises:
        PolesCoincide: the poles say the same.
        ValueError: there are too few texts.
    """
    count = len(texts)
    if count < examples + 2:
        raise ValueError(f"{count} rated texts are too few for {examples} labelled examples")
    background = describe(texts, prior)
    axis = pole_axis(low, high, background)
    alone = axis.standings(texts)
    draw = np.random.default_rng(seed)
    found, held = [], []
    for _ in range(splits):
        order = draw.permutation(count)
        chosen, rest = order[:examples], order[examples:]
        corrected = labelled_axis(axis, texts[chosen], ratings[chosen], background)
        found.append(spearman(corrected.standings(texts[rest]), ratings[rest]))
        seen, unseen = order[: count // 2], order[count // 2 :]
        other = pole_axis(low, high, describe(texts[seen], prior))
        held.append(spearman(other.standings(texts[unseen]), ratings[unseen]))
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
    """What is to be said of one dimension.

    Attributes:
        name: of the dimension.
        kind: what places a text on it: poles, field, or nothing.
        known: the share of the members that have a coordinate, 0..1.
        separation: of the poles in standard deviations of the texts, None without poles.
        spearman: agreement with labelled examples that the axis was not fitted to (each left out in turn), None without.
        auc: the chance that an example of the upper half has the higher figure, None without.
        twin: the dimension that it correlates with most over the members, empty without.
        correlation: that correlation, -1..1.
        warnings: in words.
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


def left_out(axis: Axis, examples: Array, labels: Array, background: Background) -> Array:
    """Return each example's standing on the axis that the others give, shape (n,).

    With fewer than three examples there is nothing to fit without one of them: their standing on the poles' axis.
    """
    if len(labels) < 3:
        return axis.standings(examples)
    found = np.empty(len(labels))
    for number in range(len(labels)):
        others = np.arange(len(labels)) != number
        if np.std(labels[others]) > 0:
            fitted = labelled_axis(axis, examples[others], labels[others], background)
        else:
            fitted = axis
        found[number] = fitted.standings(examples[number : number + 1])[0]
    return found


def report_on(
    *,
    names: Sequence[str],
    kinds: Sequence[str],
    points: Array,
    separations: Sequence[float | None],
    labelled: Sequence[tuple[Array, Array] | None],
) -> list[Report]:
    """Return what is to be said of a space's dimensions.

    Args:
        names: k of them.
        kinds: of each, what places a text on it: poles, field or nothing.
        points: the members, shape (n, k), on unit scales, NaN where unknown.
        separations: of each one's poles, None without.
        labelled: of each, its examples' standings (each left out in turn) and labels, None without.
    """
    together = _correlations(points)
    reports = []
    for number, name in enumerate(names):
        known = float((~np.isnan(points[:, number])).mean()) if len(points) else 0.0
        row = np.abs(together[number]) if len(names) > 1 else np.zeros(1)
        twin = int(np.argmax(row))
        correlation = float(together[number, twin]) if row[twin] > 0 else 0.0
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
        reports.append(_warned(found, points[:, number]))
    return reports


def _warned(report: Report, column: Array) -> Report:
    warnings = []
    if report.kind == "nothing":
        warnings.append(
            "useless: it has neither poles nor a field, so nothing is known on it but explicit values"
        )
    elif len(column) and not report.known:
        warnings.append("useless: no member has a coordinate on it")
    if report.known and np.nanstd(column) < 0.01:
        warnings.append("useless: all members have the same coordinate")
    if report.separation is not None and report.separation < WEAK_SEPARATION:
        warnings.append(f"the poles stand only {report.separation:.2f} standard deviations apart")
    if report.spearman is not None and not report.spearman >= WEAK_AGREEMENT:
        warnings.append(f"it does not follow its labelled examples (Spearman {report.spearman:.2f})")
    if abs(report.correlation) >= REDUNDANT:
        warnings.append(f"it says nearly the same as {report.twin} (correlation {report.correlation:.2f})")
    return replace(report, warnings=tuple(warnings))


def _correlations(points: Array) -> Array:
    """Return correlations over the members that are known on both, shape (k, k), 0 on the diagonal and where undefined."""
    size = points.shape[1]
    found = np.zeros((size, size))
    for one in range(size):
        for other in range(one):
            both = ~np.isnan(points[:, one]) & ~np.isnan(points[:, other])
            a, b = points[both, one], points[both, other]
            if len(a) >= FEW and a.std() > 0 and b.std() > 0:
                found[one, other] = found[other, one] = np.corrcoef(a, b)[0, 1]
    return found
