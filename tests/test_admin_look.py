"""The workplace has the colours of the public site."""

import re

from django.conf import settings

BLOCK = re.compile(r"(?:\A|\n)(@media [^\n]*dark\) \{\n +)?:root \{\n(.*?)\n *\}", re.DOTALL)


def tokens(name: str) -> dict[tuple[bool, str], str]:
    """(in the dark, token) → value, in the first light and the first dark block of a stylesheet."""
    found = {}
    for dark, block in BLOCK.findall((settings.BASE_DIR / "static/portal" / name).read_text()):
        for token, value in re.findall(r"(--[\w-]+):\s*([^;]+);", block):
            found.setdefault((bool(dark), token), " ".join(value.split()))
    return found


def test_tokens_of_the_workplace_are_those_of_the_public_site():
    public, own = tokens("portal.css"), tokens("admin.css")
    shared = {token: value for token, value in own.items() if "var(" not in value}
    assert len(shared) > 40
    assert {token: (value, public.get(token)) for token, value in shared.items() if public.get(token) != value} == {}
