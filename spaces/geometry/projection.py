"""Semantic projection: the value of a text on a dimension defined by two poles. Pure NumPy.

A text's embedding is projected on the axis between the poles: "cheap" … "expensive" puts "a bargain" left of "luxury".
Source: Grand, Blank, Pereira & Fedorenko 2022, Nature Human Behaviour 6.

With small sentence models the plain difference of the poles points mostly into directions in which real texts hardly differ.
Two corrections make it work:

- A Wiener filter turns the axis towards the directions in which the organisation's own texts differ:
  axis = C (C + λI)⁻¹ (high - low), with their covariance C. Directions without variance can't distinguish texts and are mostly
  noise of the pole texts. λ is the smallest that puts the poles at most four standard deviations of the texts apart, the length
  of a scale: poles farther apart differ where the texts do not.
  The covariance of few texts is mostly chance, so it is shrunk towards equal variance in every direction (Ledoit & Wolf 2004,
  Journal of Multivariate Analysis 88). Without own texts the axis is the plain difference of the poles: other texts tell how far
  texts are apart, but not which differences matter here.
- Labelled examples are fitted by a regression with that axis as prior mean and C as prior covariance: without examples it
  returns the axis, with many it follows the examples.

The constants were chosen on four labelled sets (formality, valence and difficulty of words, marketing sentences) and are the same
for every dimension.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import erf, sqrt

import numpy as np

Array = np.ndarray

# weight of the prior, in own texts: what few texts have in common is chance
PRIOR_TEXTS = 100
# λ in units of C's largest eigenvalue, tried in order. Sentences on one subject need little (marketing set: mean AUC .88 with .01,
# .83 with 10), lists of single words much (formality with four pole words per side: Spearman .40 with .01, .63 with 10).
SMOOTHINGS = tuple(float(each) for each in np.geomspace(0.01, 10, 25))
END_TO_END = 4.0
# unexplained variance of a standardised label, relative to the explained one
NOISE = 1.0
# variance allowed off the poles' axis, relative to that along it
FREEDOM = 1.0
# Standard deviations above the mean at which a text's relevance is one half. On the marketing set, conceptual search weighted by
# relevance has recall@10 .65, with 0 .60, unweighted .49.
ABOUT = 1.0
BATCH = 500  # texts per step of the covariance
# poles closer than this (in embedding length) coincide
LEAST_SEPARATION = 0.05


class PolesCoincide(ValueError):
    """The two poles can't be told apart."""


@dataclass(frozen=True)
class Background:
    """The distribution of texts' embeddings.

    Attributes:
        mean: shape (d,).
        covariance: shape (d, d), which sets the scale of an axis.
        matters: shape (d, d), which sets its direction: the covariance of own texts, shrunk towards equal variance.
        count: number of own texts.
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
        """Return it as the background of other texts: without preferred directions."""
        size = len(self.mean)
        return replace(self, matters=np.trace(self.covariance) / size * np.eye(size), count=0)


def describe(vectors: Array, prior: Background | None = None) -> Background:
    """Return the distribution of texts' embeddings.

    Args:
        vectors: shape (n, d), n ≥ 0; n ≥ 2 without a prior.
        prior: weighted as PRIOR_TEXTS texts.
    """
    count = len(vectors)
    if not count:
        if prior is None:
            raise ValueError("vectors must not be empty without a prior")
        return prior
    mean = np.asarray(np.mean(vectors, axis=0, dtype=np.float64))
    covariance = np.zeros((len(mean), len(mean)))
    # in batches: a float64 copy of all vectors would triple the memory
    for start in range(0, count, BATCH):
        centred = np.asarray(vectors[start : start + BATCH], np.float64) - mean
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
    """A dimension's direction and scale: a text's projection is vector · direction, its z-score (projection - centre) / spread.

    Attributes:
        direction: shape (d,), unit length.
        centre: the projection at the middle of the scale.
        spread: the standard deviation of the texts' projections, > 0.
        separation: distance of the poles, in standard deviations.
        topic: shape (d,), unit length: the mean of both poles, what the dimension is about.
        topic_centre: the texts' mean projection on the topic.
        topic_spread: the standard deviation of the texts' projections on the topic, > 0.
    """

    direction: Array
    centre: float
    spread: float
    separation: float
    topic: Array
    topic_centre: float
    topic_spread: float

    def z_scores(self, vectors: Array) -> Array:
        """Return the z-scores of texts: vectors (n, d), result (n,)."""
        return (np.asarray(vectors, np.float64) @ self.direction - self.centre) / self.spread

    def values(self, vectors: Array) -> Array:
        """Return the values of texts, 0..1, shape (n,): the quantiles of their z-scores."""
        return normal_cdf(self.z_scores(vectors))

    def relevances(self, vectors: Array) -> Array:
        """Return how relevant texts are to the dimension, 0..1, shape (n,): one half at ABOUT above the mean.

        Most texts are not about most dimensions, but a projection gives them a value anyway.
        """
        projections = np.asarray(vectors, np.float64) @ self.topic
        return normal_cdf((projections - self.topic_centre) / self.topic_spread - ABOUT)


def normal_cdf(z_scores: Array) -> Array:
    """Return the standard normal distribution function of each."""
    return 0.5 * (1 + _erf(np.asarray(z_scores, np.float64) / sqrt(2)))


def pole_axis(low: Array, high: Array, background: Background) -> Axis:
    """Return the axis from one pole to the other.

    Args:
        low: shape (m, d): embeddings of the low pole's texts.
        high: shape (m, d): of the high pole's.
        background: the distribution of texts.

    Raises:
        PolesCoincide: the poles are the same, or differ only in directions in which no text varies.
    """
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    between = high.mean(axis=0) - low.mean(axis=0)
    if np.linalg.norm(between) < LEAST_SEPARATION:
        raise PolesCoincide("the poles have the same meaning")
    variances, directions = background.modes
    components = directions.T @ between
    for smoothing in SMOOTHINGS:
        direction = directions @ (components * variances / (variances + smoothing * variances.max()))
        length = np.linalg.norm(direction)
        if not length > 0:
            raise PolesCoincide("the poles differ only in directions in which the texts do not vary")
        axis = _scaled(direction / length, low, high, background)
        if axis.separation <= END_TO_END:
            break
    return axis


def labelled_axis(axis: Axis, examples: Array, labels: Array, background: Background) -> Axis:
    """Return an axis corrected by labelled examples.

    The standardised labels are modelled as a Gaussian process: the covariance of two texts a, b is
    s(a) s(b) + FREEDOM · (a-m)' C (b-m) / tr(C²), with the z-score s on the poles' axis, the background's mean m and its
    `matters` C. The posterior mean is linear in the text, and so an axis again.

    Args:
        axis: of the poles.
        examples: shape (n, d), n ≥ 2.
        labels: shape (n,), increasing from the low to the high pole; not all the same.
        background: the distribution of texts.

    Raises:
        ValueError: fewer than two examples, or all labels are the same.
    """
    labels = np.asarray(labels, np.float64)
    if len(labels) < 2 or not labels.std() > 0:
        raise ValueError("at least two labelled examples with different values are required")
    targets = (labels - labels.mean()) / labels.std()
    centred = np.asarray(examples, np.float64) - background.mean
    coloured = centred @ background.matters
    size = float((background.matters**2).sum())
    along = axis.z_scores(examples)
    kernel = np.outer(along, along) + FREEDOM * (coloured @ centred.T) / size
    strengths = np.linalg.solve(kernel + NOISE * np.eye(len(targets)), targets)
    direction = axis.direction / axis.spread * (along @ strengths) + FREEDOM * (strengths @ coloured) / size
    length = np.linalg.norm(direction)
    if not length > 0:
        return axis
    direction = direction / length
    spread = _spread(direction, background)
    # keep the centre's z-score relative to the mean text
    offset = (axis.centre - float(background.mean @ axis.direction)) / axis.spread
    centre = float(background.mean @ direction) + offset * spread
    return replace(axis, direction=direction, centre=centre, spread=spread)


def _scaled(direction: Array, low: Array, high: Array, background: Background) -> Axis:
    spread = _spread(direction, background)
    ends = float(low.mean(axis=0) @ direction), float(high.mean(axis=0) @ direction)
    # halfway between the poles' midpoint and the mean text, which may be to one side: most texts mention no price at all
    centre = (sum(ends) / 2 + float(background.mean @ direction)) / 2
    # both poles have the same weight, however many texts each has
    topic = low.mean(axis=0) + high.mean(axis=0)
    topic = topic / max(float(np.linalg.norm(topic)), np.finfo(float).tiny)
    topic_centre = float(background.mean @ topic)
    # exactly opposite poles cancel out; then all texts are equally relevant
    topic_spread = sqrt(max(float(topic @ background.covariance @ topic), 1e-12))
    return Axis(direction, centre, spread, (ends[1] - ends[0]) / spread, topic, topic_centre, topic_spread)


def _spread(direction: Array, background: Background) -> float:
    spread = sqrt(max(0.0, float(direction @ background.covariance @ direction)))
    if not spread > 0:
        raise PolesCoincide("the poles differ only in directions in which the texts do not vary")
    return spread


_erf = np.vectorize(erf, otypes=[np.float64])
