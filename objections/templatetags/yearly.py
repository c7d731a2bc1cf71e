"""Figures of the yearly statistics as they are printed."""

from django import template

from objections import yearly

register = template.Library()


@register.simple_tag
def chart_of(table: yearly.Table) -> str:
    """What the bars of a table show."""
    return table.head[table.charted + 1]


register.filter("printed", yearly.printed)
