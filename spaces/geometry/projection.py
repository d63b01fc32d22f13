"""Semantic projection: where a text stands on a dimension that is described by its two poles. Pure NumPy.

A text's embedding is projected on the axis between the poles: "cheap" … "expensive" puts "a bargain" left of "luxury".
Source: Grand, Blank, Pereira & Fedorenko 2022, Nature Human Behaviour 6.

Two things make it work with small sentence models, where the plain difference of the poles points mostly into directions in
which real texts hardly differ:

- The axis is turned towards the directions in which one's own texts do differ, by a Wiener filter:
  axis = C (C + λI)⁻¹ (high - low), C being their covariance. A direction in which no text varies can tell no two texts apart, and
  is mostly the pole words' own noise. λ is the smallest by which the poles stand no farther apart than the ends of a scale do,
  four standard deviations of the texts: poles that stand farther out differ where the texts do not.
  The covariance of few texts is mostly chance, so it is shrunk towards the same variance in every direction (Ledoit & Wolf 2004,
  Journal of Multivariate Analysis 88). Without a text of one's own the axis is the plain difference of the poles: other people's
  texts say how far texts stand apart, but not which differences matter here.
- Labelled examples, where there are some, are fitted by a regression whose prior mean is that axis and whose prior
  covariance is C: with no examples it is the axis, with many it is what the examples say.

The constants were chosen on four labelled sets at once (formality, valence and difficulty of words, marketing sentences) and are
the same for every dimension.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import erf, sqrt

import numpy as np

Array = np.ndarray

# What is known beforehand counts as so many texts of one's own: what few texts have in common is chance.
PRIOR_TEXTS = 100
# λ in largest eigenvalues of C, tried in turn. Sentences of one subject need little (our labelled marketing set: mean AUC .88 with
# .01, .83 with 10), lists of single words much (formality by four pole words each side: Spearman .40 with .01, .63 with 10).
SMOOTHINGS = tuple(float(each) for each in np.geomspace(0.01, 10, 25))
END_TO_END = 4.0
# of a standardised label: what is not explained by the text, beside what is
NOISE = 1.0
# How much of the variance may come from outside of the poles' axis, beside the axis itself.
FREEDOM = 1.0
# Standard deviations above the middle at which a text is about a dimension by half. On our labelled set a conceptual search that
# counts each dimension by that finds .65 of what is wanted among the first ten, with 0 .60, without .49.
ABOUT = 1.0
TOGETHER = 500  # texts whose covariance is added up at once
# Below this length, beside the poles' own, the poles say the same.
LEAST_SEPARATION = 0.05


class PolesCoincide(ValueError):
    """The two poles have no distance from each other."""


@dataclass(frozen=True)
class Background:
    """How texts differ.

    Attributes:
        mean: shape (d,).
        covariance: shape (d, d), for how far texts stand apart.
        matters: shape (d, d), for the directions in which they do: the covariance of one's own texts, shrunk towards the same
            variance in every direction.
        count: of how many texts of one's own.
    """

    mean: Array
    covariance: Array
    matters: Array
    count: int

    @cached_property
    def modes(self) -> tuple[Array, Array]:
        """The eigenvalues of `matters`, shape (d,), ≥ 0, and its eigenvectors as columns, shape (d, d)."""
        values, vectors = np.linalg.eigh(self.matters)
        return np.maximum(values, 0.0), vectors

    def as_prior(self) -> "Background":
        """Return the same as known of other people's texts: which directions matter is left open."""
        size = len(self.mean)
        return replace(self, matters=np.trace(self.covariance) / size * np.eye(size), count=0)


def describe(vectors: Array, prior: Background | None = None) -> Background:
    """Return how texts differ, from their embeddings.

    Args:
        vectors: shape (n, d), n ≥ 0; n ≥ 2 without a prior.
        prior: what is known beforehand, which counts as PRIOR_TEXTS.
    """
    count = len(vectors)
    if not count:
        if prior is None:
            raise ValueError("there are no texts")
        return prior
    mean = np.asarray(np.mean(vectors, axis=0, dtype=np.float64))
    covariance = np.zeros((len(mean), len(mean)))
    # so many at a time: all of them as wide numbers would be three times what is given
    for start in range(0, count, TOGETHER):
        centred = np.asarray(vectors[start : start + TOGETHER], np.float64) - mean
        covariance += centred.T @ centred / count
    if prior is None:
        return Background(mean, covariance, covariance, count)
    share = count / (count + PRIOR_TEXTS)
    return Background(
        share * mean + (1 - share) * prior.mean,
        share * covariance + (1 - share) * prior.covariance,
        share * covariance + (1 - share) * prior.matters,
        count,
    )


@dataclass(frozen=True, slots=True)
class Axis:
    """A dimension's direction and scale: a text's figure is vector · direction, its standing (figure - centre) / spread.

    Attributes:
        direction: shape (d,), unit length.
        centre: the figure of a middling text.
        spread: the standard deviation of the texts' figures, > 0.
        separation: how far the poles stand apart, in such deviations.
        topic: shape (d,), unit length: what both poles are about.
        topic_centre: a middling text's figure on it, vector · topic.
        topic_spread: the standard deviation of the texts' figures on it, > 0.
    """

    direction: Array
    centre: float
    spread: float
    separation: float
    topic: Array
    topic_centre: float
    topic_spread: float

    def standings(self, vectors: Array) -> Array:
        """Return how far texts stand from the middle, in standard deviations: vectors (n, d), result (n,)."""
        return (np.asarray(vectors, np.float64) @ self.direction - self.centre) / self.spread

    def values(self, vectors: Array) -> Array:
        """Return where texts stand among texts, 0..1, shape (n,): the normal distribution's share below them."""
        return shares(self.standings(vectors))

    def relevances(self, vectors: Array) -> Array:
        """Return how far texts are about the dimension at all, 0..1, shape (n,): one half a standard deviation above the middle.

        Most texts say nothing of most dimensions, and a projection alone puts them somewhere.
        """
        figures = np.asarray(vectors, np.float64) @ self.topic
        return shares((figures - self.topic_centre) / self.topic_spread - ABOUT)


def shares(standings: Array) -> Array:
    """Return the standard normal distribution function of each."""
    return 0.5 * (1 + _erf(np.asarray(standings, np.float64) / sqrt(2)))


def pole_axis(low: Array, high: Array, background: Background) -> Axis:
    """Return the axis from one pole to the other.

    Args:
        low: shape (m, d): embeddings of texts that stand for the low end.
        high: shape (m, d): for the high end.
        background: how texts differ.

    Raises:
        PolesCoincide: the poles are the same, or differ only in what no text varies in.
    """
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    between = high.mean(axis=0) - low.mean(axis=0)
    if np.linalg.norm(between) < LEAST_SEPARATION:
        raise PolesCoincide("the poles say the same")
    shares, directions = background.modes
    components = directions.T @ between
    for smoothing in SMOOTHINGS:
        direction = directions @ (components * shares / (shares + smoothing * shares.max()))
        length = np.linalg.norm(direction)
        if not length > 0:
            raise PolesCoincide("the poles differ only in what the texts do not vary in")
        axis = _scaled(direction / length, low, high, background)
        if axis.separation <= END_TO_END:
            break
    return axis


def labelled_axis(axis: Axis, examples: Array, labels: Array, background: Background) -> Axis:
    """Return an axis corrected by labelled examples.

    The labels, standardised, are a Gaussian process over texts: covariance of two texts a, b is
    s(a) s(b) + FREEDOM · (a-m)' C (b-m) / tr(C²), s being the standing on the poles' axis, m the background's mean and C what
    `matters` of it. Its
    posterior mean is linear in the text, and so an axis again.

    Args:
        axis: by the poles.
        examples: shape (n, d), n ≥ 2.
        labels: shape (n,), on any scale that rises from the low to the high pole; not all the same.
        background: how texts differ.

    Raises:
        ValueError: fewer than two examples, or all labels are the same.
    """
    labels = np.asarray(labels, np.float64)
    if len(labels) < 2 or not labels.std() > 0:
        raise ValueError("labelled examples must be two or more, with different values")
    wanted = (labels - labels.mean()) / labels.std()
    centred = np.asarray(examples, np.float64) - background.mean
    coloured = centred @ background.matters
    size = float((background.matters**2).sum())
    along = axis.standings(examples)
    kernel = np.outer(along, along) + FREEDOM * (coloured @ centred.T) / size
    strengths = np.linalg.solve(kernel + NOISE * np.eye(len(wanted)), wanted)
    direction = axis.direction / axis.spread * (along @ strengths) + FREEDOM * (strengths @ coloured) / size
    length = np.linalg.norm(direction)
    if not length > 0:
        return axis
    direction = direction / length
    spread = _spread(direction, background)
    # the middle stays as far from the average text as it was
    aside = (axis.centre - float(background.mean @ axis.direction)) / axis.spread
    centre = float(background.mean @ direction) + aside * spread
    return replace(axis, direction=direction, centre=centre, spread=spread)


def _scaled(direction: Array, low: Array, high: Array, background: Background) -> Axis:
    spread = _spread(direction, background)
    ends = float(low.mean(axis=0) @ direction), float(high.mean(axis=0) @ direction)
    # halfway between the poles' own middle and the average text, which may lie to one side: most texts name no price at all
    centre = (sum(ends) / 2 + float(background.mean @ direction)) / 2
    # both ends weigh the same, however many texts each has
    topic = low.mean(axis=0) + high.mean(axis=0)
    topic = topic / max(float(np.linalg.norm(topic)), np.finfo(float).tiny)
    about = float(background.mean @ topic)
    # of poles that are each other's opposite nothing is left: then no text is more about them than another
    varies = sqrt(max(float(topic @ background.covariance @ topic), 1e-12))
    return Axis(direction, centre, spread, (ends[1] - ends[0]) / spread, topic, about, varies)


def _spread(direction: Array, background: Background) -> float:
    spread = sqrt(max(0.0, float(direction @ background.covariance @ direction)))
    if not spread > 0:
        raise PolesCoincide("the poles differ only in what the texts do not vary in")
    return spread


_erf = np.vectorize(erf, otypes=[np.float64])
