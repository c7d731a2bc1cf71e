"""What the start page of the admin warns of."""

from django import template

from notices.admin import alarms as found
from notices.admin import today

register = template.Library()


@register.simple_tag(takes_context=True)
def alarms(context) -> list[found.Alarm]:
    """What the reader can act on."""
    return found.alarms(user=context["user"])


@register.simple_tag(takes_context=True)
def duties(context) -> list[today.Duty]:
    return list(today.duties(context["request"]))


@register.simple_tag(takes_context=True)
def figures(context) -> list[tuple[str, list[today.Duty]]]:
    return today.figures(context["request"])
