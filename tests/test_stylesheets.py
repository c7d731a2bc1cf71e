"""The public pages and the workplace share their colours and sizes: what a stylesheet names, tokens.css gives."""

import re

import pytest
from django.conf import settings

PLACE = settings.BASE_DIR / "static" / "portal"
GIVEN = re.compile(r"(--[\w-]+):")


def given(name: str) -> set[str]:
    return set(GIVEN.findall((PLACE / name).read_text()))


@pytest.mark.parametrize("name", ["portal.css", "admin.css"])
def test_every_token_that_a_stylesheet_uses_there_is(name):
    text = (PLACE / name).read_text()
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    assert len(used) > 20
    assert used - given("tokens.css") - {each for each in given(name) if not each.startswith("--bs-")} == set()


def test_the_workplace_has_no_colours_of_its_own():
    assert given("admin.css") & given("tokens.css") == set()
    own = re.sub(r"/\*.*?\*/", "", (PLACE / "admin.css").read_text(), flags=re.DOTALL)
    assert [each for each in re.findall(r"#[0-9a-f]{3,6}\b(?=[^{}]*;)", own) if each not in WHITE] == []


WHITE = {"#fff", "#000"}  # a QR code, and paper


def test_light_and_dark_have_the_same_colours():
    light, dark = (PLACE / "tokens.css").read_text().split("@media screen and (prefers-color-scheme: dark)")
    coloured = set(re.findall(r"(--[\w-]+): #", light))
    assert set(GIVEN.findall(dark)) <= coloured
    assert len(coloured) > 30
