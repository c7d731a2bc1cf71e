"""What the start page of the admin warns the office of."""

from django import template

from notices.admin.alarms import Alarm
from notices.admin.today import Duty
from objections.admin import alarms, today

register = template.Library()


@register.simple_tag(takes_context=True)
def objection_alarms(context) -> list[Alarm]:
    """For those who handle objections; nothing for anybody else."""
    user = context["user"]
    return list(alarms.alarms(user)) if user.has_perm("objections.handle_objection") else []


@register.simple_tag(takes_context=True)
def objection_duties(context) -> list[Duty]:
    return list(today.duties(context["request"]))
