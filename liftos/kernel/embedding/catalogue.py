"""The numbers by which stored vectors refer to their model."""

from functools import partial

from django.db import connection, transaction

from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.embedding.types import ModelInfo

_numbers: dict[tuple[str, str, str], int] = {}


def model_number(model: ModelInfo) -> int:
    """Return a model's number, registering new models. Call it outside tenant transactions.

    Args:
        model: name, version and dimension.
    """
    key = (str(connection.settings_dict["NAME"]), model.name, model.version)
    number = _numbers.get(key)
    if number is None:
        row, _ = EmbeddingModel.objects.get_or_create(
            name=model.name, version=model.version, defaults={"dimension": model.dimension}
        )
        number = row.id
        # cached on commit: a rollback removes the row
        transaction.on_commit(partial(_numbers.__setitem__, key, number))
    return number


def forget_model_numbers() -> None:
    """Clear the cache after a change of database (tests, benchmarks)."""
    _numbers.clear()
