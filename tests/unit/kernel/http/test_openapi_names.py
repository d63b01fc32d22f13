"""Names of the OpenAPI document's components."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, create_model

from liftos.kernel.http import openapi


def named(model: type[BaseModel]) -> str:
    return openapi.Shapes(model).get_name(None, "response")


def test_two_models_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(openapi, "_claimed", {})
    first, second = create_model("PieceOut", text=(str, ...)), create_model("PieceOut", number=(int, ...))
    assert named(create_model("Found", piece=(first | None, ...))) == "Found"
    assert [named(first), named(first)] == ["PieceOut", "PieceOut"]
    for other in (second, create_model("Listed", results=(list[second], ...))):
        with pytest.raises(ImproperlyConfigured, match="are named PieceOut"):
            named(other)


def test_a_title_is_the_name(monkeypatch):
    monkeypatch.setattr(openapi, "_claimed", {})
    named(create_model("PieceOut", text=(str, ...)))
    titled = create_model("PieceOut", __config__={"title": "OldPiece"}, number=(int, ...))
    assert named(titled) == "OldPiece"
