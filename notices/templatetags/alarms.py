"""What the start page of the admin warns of."""

from django import template

from notices.admin import alarms as found

register = template.Library()


@register.simple_tag
def alarms() -> list[found.Alarm]:
    return found.alarms()
