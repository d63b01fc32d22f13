"""Callers' schemas are refused at their position or validated in bounded steps, never a 500."""

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from tests.factories.flows import registered_functions, step
from workflows.models import Run, TemplateVersion

TEMPLATES, RUNS = "/api/v1/workflows/templates", "/api/v1/workflows/runs"
HUGE = 10**400


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


def nested(word, depth):
    schema = {"type": "string"}
    for _ in range(depth):
        schema = {word: [schema, {"type": "null"}]} if word.endswith("Of") else {word: schema}
    return schema


def save(acme, **schema):
    """Save and publish a template whose parameter `p` has this schema."""
    parameters = {"type": "object", "properties": {"p": schema}}
    made = acme.post(TEMPLATES, {"name": "flow", "steps": [step("a")], "parameters": parameters})
    if made.status_code == 201:
        published = acme.post(f"{TEMPLATES}/{made.json()['id']}/publish", {})
        assert published.status_code == 200, published.content
    return made


REFUSED = {
    "unevaluatedProperties": ({"unevaluatedProperties": False}, "unevaluatedProperties"),
    "unevaluatedItems": ({"items": {"unevaluatedItems": False}}, "items.unevaluatedItems"),
    "$ref": ({"$ref": "#"}, "$ref"),
    "$dynamicRef": ({"anyOf": [{"$dynamicRef": "#x"}, True]}, "anyOf.0.$dynamicRef"),
    "$defs": ({"$defs": {"a": {"$ref": "#/$defs/a"}}}, "$defs"),
    "pattern": ({"items": {"pattern": "(a+)+$"}}, "items.pattern"),
    "patternProperties": ({"patternProperties": {"(a*)*$": True}}, "patternProperties"),
    "dependentSchemas": ({"dependentSchemas": {"a": {}}}, "dependentSchemas"),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, "dependentRequired"),
    "regex": ({"format": "regex"}, "format"),
    "idn": ({"format": "idn-hostname"}, "format"),
    "many alternatives": ({"anyOf": [{"type": "string"}] * 50}, ""),
    "nested not": (nested("not", 40), None),
    "negative length": ({"minLength": -1}, "minLength"),
    "not a number": ({"multipleOf": "2"}, "multipleOf"),
    "zero": ({"multipleOf": 0}, "multipleOf"),
    "a misspelled word": ({"maxlength": 3}, "maxlength"),
    "a default of the wrong kind": ({"type": "boolean", "default": 1}, "default"),
    "a default that is not a multiple": ({"multipleOf": 0.5, "default": 0.75}, "default"),
    "two equal defaults": ({"uniqueItems": True, "default": [{"a": 1}, {"a": 1.0}]}, "default"),
    "thousands of properties": ({"properties": {f"p{k}": {} for k in range(3_000)}}, "properties"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_schema_off_the_list_is_refused_when_it_is_saved(acme, name):
    schema, place = REFUSED[name]
    refused = save(acme, **schema)
    assert refused.status_code == 422, refused.content
    places = [".".join(map(str, each["loc"])) for each in refused.json()["errors"]]
    if place is None:
        assert "nested deeper than" in refused.json()["errors"][0]["msg"]
    else:
        assert places == [f"body.parameters.properties.p{'.' if place else ''}{place}"]
    assert len(refused.content) < 20_000


TRIED = {
    "equal objects": ({"uniqueItems": True}, [{"k": n % 1_499} for n in range(1_500)], 422),
    "different objects": ({"uniqueItems": True}, [{"k": n} for n in range(20_000)], 201),
    "numbers that hash alike": ({"uniqueItems": True}, [k * (2**61 - 1) for k in range(20_000)], 201),
    "a multiple of a half": ({"multipleOf": 0.5}, HUGE, 201),
    "no multiple": ({"multipleOf": HUGE}, 1.5, 422),
    "a float near its end": ({"multipleOf": 1e-300}, 1e308, 201),
    "a huge bound": ({"maximum": HUGE}, HUGE + 1, 422),
    "a length nobody has": ({"minLength": HUGE}, "x", 422),
    "nothing but true": ({"const": True}, 1, 422),
    "zero and false": ({"enum": [0, "a"]}, False, 422),
    "a large constant": ({"const": [{"k": [n]} for n in range(10_000)]}, [{"k": [n]} for n in range(10_000)], 201),
    "contains": ({"contains": {"const": 5}, "minContains": 2}, [5] * 3, 201),
    "too few": ({"contains": {"const": 5}, "minContains": 2, "maxContains": 3}, [5, 6], 422),
    "if": ({"if": {"type": "string"}, "then": {"format": "email"}, "else": False}, "(((", 422),
    "names": ({"propertyNames": {"maxLength": 2}}, {"abc": 1}, 422),
    "false": ({"properties": {"a": False}}, {"a": 1}, 422),
    "many unknown members": ({"additionalProperties": False, "properties": {f"name{n}": {} for n in range(900)}},
                             {f"nmae{n}": 0 for n in range(20_000)}, 422),
    "not one of many": ({"items": {"anyOf": [{"required": [f"p{n}" for n in range(900)]}, {"type": "string"}]}},
                        [{}] * 20_000, 422),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIED)
def test_run_parameters_are_validated(acme, name):
    schema, value, status = TRIED[name]
    assert save(acme, **schema).status_code == 201
    response = acme.post(RUNS, {"template": "flow", "parameters": {"p": value}})
    assert response.status_code == status, response.content[:500]
    if status == 422:
        assert len(response.content) < 50_000
        assert {tuple(each["loc"][:3]) for each in response.json()["errors"]} == {("body", "parameters", "p")}
        with tenant_transaction(acme.organisation):
            assert not Run.objects.exists()


@pytest.mark.parametrize(
    "form",
    ["date", "date-time", "time", "email", "ipv6", "uuid", "uri", "duration", "json-pointer", "hostname"],
)
@pytest.mark.parametrize("text", ["(((", "🚀", "~" * 5_000, "9999-99-99T99:99:99Z"])
def test_invalid_values_match_no_format(acme, form, text):
    assert save(acme, format=form).status_code == 201
    response = acme.post(RUNS, {"template": "flow", "parameters": {"p": text}})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "parameters", "p"]


def test_number_of_reported_unknown_parameters_is_bounded(acme):
    assert save(acme, type="integer").status_code == 201
    response = acme.post(RUNS, {"template": "flow", "parameters": {f"p{n}": 0 for n in range(20_000)}})
    assert response.status_code == 422
    assert 0 < len(response.json()["errors"]) <= 100


def test_runs_of_a_version_with_old_keywords_are_refused(acme):
    parameters = {"type": "object", "properties": {"p": {"type": "array"}}}
    made = acme.post(TEMPLATES, {"name": "flow", "steps": [step("a")], "parameters": parameters}).json()
    old = {
        "type": "object",
        "properties": {"p": {"type": "array", "items": {"unevaluatedProperties": False}}},
    }
    with tenant_transaction(acme.organisation):
        version = TemplateVersion.objects.get()
        version.definition |= {"parameters": old}
        version.status, version.published_at = "published", version.created_at
        version.save()
    read = acme.get(f"{TEMPLATES}/{made['id']}")
    assert read.json()["versions"][0]["definition"]["parameters"] == old
    refused = acme.post(RUNS, {"template": "flow", "parameters": {"p": []}})
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["loc"] == ["body", "parameters"]
    assert "properties.p.items.unevaluatedProperties" in error["msg"]
