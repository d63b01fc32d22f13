"""The libraries of the extra "causal", imported when they are needed."""

from typing import Any

from liftos.kernel.errors import InvalidInput


class CausalNotInstalled(InvalidInput):
    """Causal analyses need the extra "causal": make up EXTRAS=causal, or pip install "liftos-core[causal]"."""

    code = "marketing.causal_not_installed"


def scipy_special() -> Any:
    """Return scipy.special.

    Raises:
        CausalNotInstalled: SciPy is missing.
    """
    try:
        from scipy import special
    except ImportError:
        raise CausalNotInstalled from None
    return special


def scipy_optimize() -> Any:
    """Return scipy.optimize.

    Raises:
        CausalNotInstalled: SciPy is missing.
    """
    try:
        from scipy import optimize
    except ImportError:
        raise CausalNotInstalled from None
    return optimize


def statsmodels() -> tuple[Any, Any]:
    """Return statsmodels' diagnostics and its descriptive statistics.

    Raises:
        CausalNotInstalled: statsmodels is missing.
    """
    try:
        from statsmodels.stats import diagnostic, weightstats
    except ImportError:
        raise CausalNotInstalled from None
    return diagnostic, weightstats
