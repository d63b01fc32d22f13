"""The number under which a model's vectors are stored."""

from django.db import connection

from liftos.embedding.models import EmbeddingModel
from liftos.embedding.types import ModelInfo

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
        number = _numbers[key] = row.id
    return number


def forget_model_numbers() -> None:
    """Forget what was looked up: for tests, whose databases come and go."""
    _numbers.clear()
