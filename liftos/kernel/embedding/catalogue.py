"""The number under which a model's vectors are stored."""

from functools import partial

from django.db import connection, transaction

from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.embedding.types import ModelInfo

_numbers: dict[tuple[str, str, str], int] = {}


def model_number(model: ModelInfo) -> int:
    """Return a model's number, registering it on first sight. Call it outside of a tenant transaction.

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
        # not before the row is there to stay: a transaction that is undone takes it along
        transaction.on_commit(partial(_numbers.__setitem__, key, number))
    return number


def forget_model_numbers() -> None:
    """Forget what was looked up: for tests, whose databases come and go."""
    _numbers.clear()
