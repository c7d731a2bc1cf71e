"""Every route, read from the URLconf itself: a new one is among them by being there."""

import dataclasses
import re
from collections.abc import Iterator

from django.apps import apps
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern

TYPED, NAMED = re.compile(r"<(?:\w+:)?(\w+)>"), re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclasses.dataclass(frozen=True)
class Route:
    """An address with {names} where it has parameters."""

    address: str

    @property
    def names(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.address)

    @property
    def is_admin(self) -> bool:
        return self.address.startswith("/admin/")

    @property
    def model(self):
        """The model of an admin page; None elsewhere."""
        parts = self.address.split("/")
        known = {(model._meta.app_label, model._meta.model_name): model for model in apps.get_models()}
        return known.get(tuple(parts[2:4])) if self.is_admin else None

    def filled(self, values: dict[str, str]) -> str:
        """The address with these values; "1" where none is given."""
        return re.sub(r"{(\w+)}", lambda found: values.get(found[1], "1"), self.address)


def routes() -> list[Route]:
    return [Route(f"/{address}") for address in dict.fromkeys(_walk(get_resolver()))]


def _walk(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        for prefix in ("", "en/") if isinstance(pattern.pattern, LocalePrefixPattern) else (_text(pattern.pattern),):
            if isinstance(pattern, URLResolver):
                yield from _walk(pattern, before + prefix)
            else:
                yield before + prefix


def _text(pattern) -> str:
    if isinstance(pattern, RegexPattern):
        return NAMED.sub(r"{\1}", pattern._regex).strip("^$").replace("\\", "").replace("Z", "")
    return TYPED.sub(r"{\1}", pattern._route)


def existing(notice, objection) -> dict[str, str]:
    """Values of parameters that lead to something."""
    return {
        "reference": notice.reference,
        "slug": notice.tasks.first().round.slug,
        "section": "notices",
        "app_label": "notices",
        "name": "a.txt",
        "rest": "nothing",
        "url": "nothing",
        "number": "1",
        "place": "1",
        "code": "0",
        "pk": str(notice.tasks.first().pk),
        "objection": str(objection.pk),
    }


def row_of(route: Route) -> dict[str, str]:
    """The keys of an admin page: those of some row of its model."""
    row = route.model and route.model._base_manager.first()
    return {name: str(row.pk) for name in ("object_id", "pk")} if row else {}
