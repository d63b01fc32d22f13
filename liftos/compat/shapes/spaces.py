"""Wire shapes of the old routes for conceptual spaces."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.pagination import no_nul
from liftos.kernel.tenancy.types import Principal
from spaces.inputs import LongName, Name
from spaces.models import Space
from spaces.queries import count_parts, list_made_spaces, short_id
from spaces.types import MAX_DIMENSIONS


class DimensionNames(RootModel[list[Name]]):
    """The contract's body: a list of dimension names."""

    model_config = ConfigDict(title="SeedDimensions")

    root: list[Name] = Field(min_length=1, max_length=MAX_DIMENSIONS)


class SpaceQuery(BaseModel):
    """The contract's query string."""

    name: Annotated[LongName, AfterValidator(no_nul)]


def space_id(slug: str, space: Space) -> str:
    """Return a space's id in the contract's format."""
    return f"space_{slug}_{short_id(space.id)}"


def spaces_out(principal: Principal) -> dict[str, dict[str, Any]]:
    """Return an organisation's spaces in the contract's shape, by their contract ids."""
    with tenant_transaction(principal.organisation):
        rows = list_made_spaces(organisation=principal.organisation)
        counts = count_parts(organisation=principal.organisation)
    return {
        space_id(principal.slug, row): {
            "name": row.name,
            "dimensions": dimensions,
            "concepts_count": counts.get(row.id, (0, 0))[0],
            "relationships_count": counts.get(row.id, (0, 0))[1],
            "created_at": row.created_at.timestamp(),
            "updated_at": row.updated_at.timestamp(),
        }
        for row, dimensions in rows
    }
