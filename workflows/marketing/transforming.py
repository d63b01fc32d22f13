"""Transform entries as a caller describes, and store nothing: normalise them, join the calendar, apply rules, aggregate. Pure."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from workflows.marketing.calendar import CALENDAR_FIELDS, calendar_of
from workflows.marketing.expressions import InvalidExpression, decimal_of, evaluate, parse_expression
from workflows.marketing.measures import number, old_figures, ratio
from workflows.marketing.reading import Batch
from workflows.marketing.types import MEASURES, RATIOS, EntryDraft

Record = dict[str, Any]
AGGREGATES: Mapping[str, Callable[[Sequence[Decimal]], Decimal]] = {
    "sum": lambda values: sum(values, Decimal(0)),
    "mean": lambda values: sum(values, Decimal(0)) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: Decimal(len(values)),
}
SCALINGS = ("min_max", "z_score")
_AGGREGATE = re.compile(r"(sum|mean|min|max|count)(?: by ([A-Za-z_][A-Za-z0-9_, ]*))?")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
}


def _conditions(value: dict[str, Any]) -> dict[str, Any]:
    for each in value.values():
        if isinstance(each, dict) and not set(each) <= {*_ORDER, "$eq", "$ne", "$in"}:
            raise PydanticCustomError("conditions", "Operators are $eq $ne $in $gt $gte $lt $lte")
    return value


class Rule(BaseModel):
    """One step: `map` copies a field, `calculate` evaluates, `normalize` scales over all records, `aggregate` sums over them."""

    model_config = ConfigDict(title="TransformationRule")

    source_field: str = Field(default="", max_length=200)
    target_field: str = Field(min_length=1, max_length=200)
    transformation_type: Literal["map", "calculate", "aggregate", "normalize"]
    transformation_logic: str | None = Field(default=None, max_length=500)
    conditions: Annotated[dict[str, Any], AfterValidator(_conditions)] | None = None

    @model_validator(mode="after")
    def check_logic(self) -> "Rule":
        """Refuse logic that its type does not take."""
        logic = (self.transformation_logic or "").strip()
        if self.transformation_type == "calculate":
            try:
                parse_expression(logic)
            except InvalidExpression as error:
                raise PydanticCustomError(
                    "transformation_logic", "{reason}", {"reason": str(error)}
                ) from error
        elif not self.source_field:
            raise PydanticCustomError("missing", "source_field is required")
        if self.transformation_type == "normalize" and logic not in ("", *SCALINGS):
            raise PydanticCustomError("transformation_logic", "transformation_logic is min_max or z_score")
        if self.transformation_type == "aggregate" and not _AGGREGATE.fullmatch(logic or "sum"):
            raise PydanticCustomError(
                "transformation_logic",
                "transformation_logic is sum, mean, min, max or count, such as 'sum by campaign_id'",
            )
        return self


class Aggregation(BaseModel):
    """The groups of aggregated output, and the aggregate of each field; by default the sums of the measures by date."""

    model_config = ConfigDict(title="TransformationAggregation")

    group_by: list[str] = Field(default=["date"], max_length=10)
    metrics: dict[str, Literal["sum", "mean", "min", "max", "count"]] = dict.fromkeys(MEASURES, "sum")

    @model_validator(mode="before")
    @classmethod
    def bare_metrics(cls, value: Any) -> Any:
        """Take `{field: how}` as the metrics."""
        if isinstance(value, dict) and value and not set(value) & {"group_by", "metrics"}:
            return {"metrics": value}
        return value


class Transformation(BaseModel):
    """The rules by which entries are transformed."""

    model_config = ConfigDict(title="TransformationConfig")

    transformation_rules: list[Rule] = Field(
        default_factory=list, max_length=100, validation_alias=AliasChoices("transformation_rules", "rules")
    )
    aggregation_rules: Aggregation | None = None
    calendar_join: bool = True
    output_format: Literal["normalized", "raw", "aggregated"] = "normalized"


def transform(batch: Batch, entries: Sequence[Any], config: Transformation) -> list[Record]:
    """Return the entries as records, transformed.

    Args:
        batch: the entries as they were read, without problems.
        entries: as sent.
        config: the rules.
    """
    records = [_record(batch.drafts[index], entries[index], config) for index in sorted(batch.drafts)]
    for rule in config.transformation_rules:
        _apply(rule, records)
    if config.output_format == "aggregated":
        records = _aggregated(records, config.aggregation_rules or Aggregation())
    return records


def _record(draft: EntryDraft, entry: Record, config: Transformation) -> Record:
    record = dict(entry)
    if config.output_format != "raw":
        record |= {
            "data_source": str(draft.source),
            "source_id": draft.source_id,
            "date_range_start": draft.starts_on.isoformat(),
            "date_range_end": draft.ends_on.isoformat(),
            "campaign_id": draft.campaign_id,
            "campaign_name": draft.campaign_name,
            **old_figures(draft.figures),
            "cost_per_conversion": number(ratio("cost_per_conversion", draft.figures)) or 0,
        }
    if config.calendar_join:
        record |= calendar_of(draft.starts_on)
    return record


def _apply(rule: Rule, records: Sequence[Record]) -> None:
    chosen = [record for record in records if _holds(rule.conditions or {}, record)]
    logic, target = (rule.transformation_logic or "").strip(), rule.target_field
    if rule.transformation_type == "map":
        for record in chosen:
            record[target] = record.get(rule.source_field)
    elif rule.transformation_type == "calculate":
        expression = parse_expression(logic)
        for record in chosen:
            record[target] = _finite(evaluate(expression, record))
    elif rule.transformation_type == "normalize":
        _scale(chosen, rule.source_field, target, logic or SCALINGS[0])
    else:
        matched = _AGGREGATE.fullmatch(logic or "sum")
        assert matched is not None  # noqa: S101  by the rule's validator
        groups = [each.strip() for each in (matched[2] or "").split(",") if each.strip()]
        for some in _grouped(chosen, groups).values():
            total = _aggregate(some, rule.source_field, matched[1])
            for record in some:
                record[target] = total


def _holds(conditions: Mapping[str, Any], record: Record) -> bool:
    for name, wanted in conditions.items():
        value = record.get(name)
        for operator, bound in (wanted if isinstance(wanted, dict) else {"$eq": wanted}).items():
            if operator in _ORDER:
                numbers = decimal_of(value), decimal_of(bound)
                pair = numbers if None not in numbers else (value, bound)
                if (
                    type(pair[0]) is not type(pair[1])
                    or pair[0] is None
                    or not isinstance(pair[0], Decimal | str)
                ):
                    return False
                holds = _ORDER[operator](*pair)
            elif operator == "$in":
                holds = isinstance(bound, list) and value in bound
            else:
                holds = (value == bound) == (operator == "$eq")
            if not holds:
                return False
    return True


def _scale(records: Sequence[Record], source: str, target: str, how: str) -> None:
    values = [decimal_of(record.get(source)) for record in records]
    known = [float(value) for value in values if value is not None]
    middle, spread = 0.0, 0.0
    if known and how == "min_max":
        middle, spread = min(known), max(known) - min(known)
    elif known:
        middle = math.fsum(known) / len(known)
        spread = math.sqrt(math.fsum((value - middle) ** 2 for value in known) / len(known))
    for record, value in zip(records, values, strict=True):
        scaled = None if value is None else 0.0 if not spread else (float(value) - middle) / spread
        record[target] = scaled


def _grouped(records: Sequence[Record], names: Sequence[str]) -> dict[tuple[str, ...], list[Record]]:
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(str(record.get(name)) for name in names), []).append(record)
    return groups


def _aggregate(records: Sequence[Record], name: str, how: str) -> int | float | None:
    known = [value for record in records if (value := decimal_of(record.get(name))) is not None]
    if not known:
        return 0 if how == "count" else None
    return _finite(AGGREGATES[how](known))


def _aggregated(records: Sequence[Record], rules: Aggregation) -> list[Record]:
    result = []
    for some in _grouped(records, rules.group_by).values():
        record: Record = {name: some[0].get(name) for name in rules.group_by}
        record |= {name: _aggregate(some, name, how) for name, how in rules.metrics.items()}
        if all(rules.metrics.get(name) == "sum" for name in MEASURES):
            sums = {name: decimal_of(record[name]) for name in MEASURES}
            record |= {name: number(ratio(name, sums)) or 0 for name in RATIOS}
        result.append(record | {"records": len(some)})
    return result


def _finite(value: Decimal | None) -> int | float | None:
    if value is None or not value.is_finite() or not math.isfinite(float(value)):
        return None
    return number(value)


def summary(
    batch: Batch, entries: Sequence[Any], records: Sequence[Record], config: Transformation
) -> dict[str, Any]:
    """Return what was done: counts, added columns, and which fields of the entries were read and which were not understood."""
    sent = {name for entry in entries for name in entry}
    columns = dict.fromkeys(name for record in records for name in record)
    drafts = batch.drafts.values()
    return {
        "original_records": len(entries),
        "transformed_records": len(records),
        "columns_added": [name for name in columns if name not in sent],
        "data_source": "",
        "transformation_applied": bool(config.transformation_rules) or config.output_format != "raw",
        "output_format": config.output_format,
        "calendar_join": config.calendar_join,
        "calendar_fields": list(CALENDAR_FIELDS) if config.calendar_join else [],
        "fields_read": sorted({name for each in drafts for name in each.read}),
        "fields_not_understood": not_understood(batch),
    }


def not_understood(batch: Batch) -> list[str]:
    """Return the names of fields that were not read of any entry."""
    return sorted({name for each in batch.drafts.values() for name in each.not_understood})
