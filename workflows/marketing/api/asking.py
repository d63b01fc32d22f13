"""The query parameters that choose entries."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError

from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.times import not_before
from liftos.kernel.suggestions import suggestion
from memory.search.filter_types import Condition, Filter
from workflows.marketing.asking import Asked
from workflows.marketing.types import DataSource


def named(known: tuple[str, ...]) -> AfterValidator:
    """Return a check that a comma-separated list has only known names."""

    def check(text: str) -> str:
        for each in names_in(text):
            if each not in known:
                raise PydanticCustomError(
                    "unknown_name", "'{name}' is not one of {known}{hint}",
                    {"name": each[:100], "known": ", ".join(known), "hint": suggestion(each, known)},
                )  # fmt: skip
        return text

    return AfterValidator(check)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


class EntriesQuery(BaseModel):
    """The entries: sources (comma-separated), days, both included, and what they are of."""

    data_sources: Annotated[QueryText, named(tuple(DataSource))] = ""
    date_from: date | None = None
    date_to: date | None = None
    campaign_id: QueryText = ""
    channel: QueryText = ""
    geo: QueryText = ""
    currency: QueryText = ""

    _in_order = not_before("date_to", "date_from")

    def asked(self) -> Asked:
        """Return the entries."""
        conditions: list[Filter] = [
            Condition(name, "eq", (value.upper() if name == "currency" else value,))
            for name in ("channel", "geo", "currency")
            if (value := getattr(self, name))
        ]
        return Asked(
            sources=tuple(DataSource(each) for each in names_in(self.data_sources)),
            starts_on=self.date_from,
            ends_on=self.date_to,
            campaign_ids=(self.campaign_id,) if self.campaign_id else (),
            filters=tuple(conditions),
        )
