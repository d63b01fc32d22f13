"""The benchmarks by name. A new one is a module with a `BENCH`, named here."""

from importlib import import_module

from liftos.bench.types import Bench

_MODULES = {
    name: f"liftos.bench.{name}"
    for name in (
        "accountability",
        "calibration",
        "embedding",
        "functions",
        "http",
        "review",
        "search",
        "seed",
        "soak",
        "spaces",
        "tracing",
    )
} | {"import": "liftos.bench.imports"}  # its own name is a word of Python's


class BenchNotFound(LookupError):
    """There is no benchmark of that name."""


def bench_names() -> list[str]:
    """Return the known names, in order."""
    return sorted(_MODULES)


def get_bench(name: str) -> Bench:
    """Return a benchmark; its module is imported only now, for it may need what is not always installed.

    Raises:
        BenchNotFound: naming those that exist.
    """
    if name not in _MODULES:
        raise BenchNotFound(f"no benchmark {name!r}: choose one of {', '.join(bench_names())}")
    bench: Bench = import_module(_MODULES[name]).BENCH
    return bench
