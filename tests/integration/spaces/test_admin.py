"""Spaces in the admin, as the pages are served."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from liftos.sample.space import add_sample_space
from tests.api.spaces.conftest import COST, Spaces


@pytest.fixture
def staff(db):
    user = User.objects.create_superuser("root", password="x")
    client = Client()
    client.force_login(user)
    return client


def page(staff, caller, space, query=""):
    staff.get(f"/admin/?_organisation={caller.slug}")
    response = staff.get(f"/admin/spaces/space/{space}/change/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_a_space_is_drawn_with_its_concepts_and_report(staff, acme):
    memory = acme.store("a cheap bargain that sold very well")
    acme.store("an expensive campaign without any effect")
    space = add_sample_space(acme.organisation)
    text = page(staff, acme, space)
    assert 'aria-label="Map of 2 members, price by effect"' in text
    assert "quick win" in text
    assert f"/admin/memory/memory/{memory}/change/" in text
    assert 'aria-label="Dimensions"' in text
    assert "reach by brand_fit" in page(staff, acme, space, "?x=reach&y=brand_fit")
    assert "price by effect" in page(staff, acme, space, "?x=nonsense&memory=x&concept=y")


@pytest.mark.parametrize("dimensions", [(COST,), (COST, "nobody knows")])
def test_sparse_space_is_shown(staff, acme, dimensions):
    spaces = Spaces(acme)
    space = spaces.make(*dimensions)
    assert "No member has a position yet." in page(staff, acme, space)
    spaces.add(space, "x", {"cost": 5})
    assert "Map of" in page(staff, acme, space)


def test_another_organisations_space_is_not_shown(staff, acme, rival):
    space = Spaces(rival).make(COST)
    staff.get(f"/admin/?_organisation={acme.slug}")
    assert staff.get(f"/admin/spaces/space/{space}/change/").status_code == 302


def test_the_lists_open(staff, acme):
    add_sample_space(acme.organisation)
    staff.get(f"/admin/?_organisation={acme.slug}")
    for name in ("space", "concept"):
        assert staff.get(f"/admin/spaces/{name}/").status_code == 200
