"""Store and change experiments and models, each of which is a memory."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from accountability.errors import DecisionNotFound
from accountability.queries import get_decision
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.parsing import InvalidRequest, item
from memory.inputs import visible_to_of
from memory.models import Memory
from memory.types import LinkDraft, LinkKind, MemoryDraft
from workflows.marketing.studies.inputs import ExperimentCreate, ExperimentIn, ModelCreate, ModelIn
from workflows.marketing.studies.types import StudyKind

SOURCE = "marketing_studies"
"""The source of their memories, within which external ids are unique."""


def fields_of(study: ExperimentIn | ModelIn) -> dict[str, Any]:
    """Return the fields of a study, without those of new ones only, as JSON."""
    whole = ExperimentIn if isinstance(study, ExperimentIn) else ModelIn
    fields: dict[str, Any] = study.model_dump(mode="json", include=set(whole.model_fields))
    return fields


def metadata_of(study: ExperimentIn | ModelIn) -> dict[str, Any]:
    """Return the metadata of a study's memory: its fields, and `estimates`, from which the typed rows are made."""
    fields = fields_of(study)
    if isinstance(study, ExperimentIn):
        names = ("channel", "metric", "estimate", "low", "high", "level")
        fields["estimates"] = [{name: fields[name] for name in names}]
    return {"study": str(study.kind), **{name: value for name, value in fields.items() if value is not None}}


def draft_of_new(study: ExperimentCreate | ModelCreate) -> MemoryDraft:
    """Return the memory of a new study."""
    links = [
        LinkDraft(kind=str(kind), target=target)
        for kind, targets in ((LinkKind.SUPPORTS, study.supports), (LinkKind.CONTRADICTS, study.contradicts))
        for target in dict.fromkeys(targets)
    ]
    return MemoryDraft(
        content=sentence(study),
        metadata=metadata_of(study),
        memory_type=str(study.kind),
        source=SOURCE,
        external_id=study.external_id,
        importance=0.8,
        links=tuple(links),
        derived_from=tuple(dict.fromkeys(study.data_used)),
        visible_to=visible_to_of(study.visible_to),
    )


def check_named(organisation: UUID, study: ExperimentIn | ModelIn) -> None:
    """Refuse memories and decisions that the caller does not see.

    Raises:
        InvalidRequest: naming each.
    """
    lists = {name: getattr(study, name, []) for name in ("data_used", "supports", "contradicts")}
    wanted = {each for ids in lists.values() for each in ids}
    with tenant_transaction(organisation):
        rows = Memory.objects.filter(organisation_id=organisation, id__in=wanted, head=None)
        known = set(rows.values_list("id", flat=True)) if wanted else set()
        problems = [
            item("memory.not_found", ("body", name, place), "No such memory")
            for name, ids in lists.items()
            for place, each in enumerate(ids)
            if each not in known
        ]
        if study.decision_id is not None:
            try:
                get_decision(organisation=organisation, decision=study.decision_id)
            except DecisionNotFound as error:
                problems.append(item(error.code, ("body", "decision_id"), "No such decision"))
    if problems:
        raise InvalidRequest(problems)


def sentence(study: ExperimentIn | ModelIn) -> str:
    """Return a study as readable text, by which searches find it."""
    days = f"{study.date_from} to {study.date_to}"
    if isinstance(study, ExperimentIn):
        units = " ".join(filter(None, (str(study.units or ""), (study.unit or "").replace("_", " "))))
        said = [
            f"Experiment {study.name}: {study.design} on {study.channel}, {days}{f', {units}' if units else ''} ({study.status}).",
            f"Treatment: {study.treatment}. Control: {study.control}.",
        ]
        if study.estimate is not None:
            said.append(f"Result: {_interval(study.model_dump())}, by {study.method}.")
    else:
        by = f"{study.method}, {study.tool}" if study.tool else study.method
        said = [f"Model {study.name} ({by}), fitted to {days}."]
        said += [f"{each.channel}: {_interval(each.model_dump())}." for each in study.estimates[:50]]
    if study.assumptions:
        said.append(f"Assumptions: {'; '.join(study.assumptions)}.")
    if study.outcome:
        said.append(f"Outcome: {study.outcome}")
    return " ".join(said)


def _interval(of: Mapping[str, Any]) -> str:
    level = f"{of['level'] * 100:g}%"
    return f"{of['metric']} {of['estimate']:,g} ({level} interval {of['low']:,g} to {of['high']:,g})"


def whole_of(kind: StudyKind) -> type[ExperimentIn] | type[ModelIn]:
    """Return the shape of a kind's fields."""
    return ExperimentIn if kind is StudyKind.EXPERIMENT else ModelIn


def stored_fields(kind: StudyKind, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a study from its memory's metadata, null for those without a value."""
    names: Iterable[str] = whole_of(kind).model_fields
    return {name: metadata.get(name) for name in names}
