"""Pieces of a page that say nothing but what they are given: made once, however often they stand in lists."""

import functools

from django import template
from django.template.loader import get_template
from django.utils import translation
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def fragment(name: str, **given) -> SafeString:
    """Like `include … only`, for templates that use neither the request nor anything that changes."""
    return _made(name, translation.get_language(), tuple(given.items()))


@functools.lru_cache(2000)
def _made(name: str, language: str, given: tuple) -> SafeString:
    return get_template(name).render(dict(given))
