"""Which privacy notice (个人信息处理告知) is in force, and how long something is kept, in words."""

from django.utils.translation import gettext as _

VERSION = "2026-11-24"  # of templates/privacy.html: changes with what it says; stored with whoever agreed to it


def how_long(days: int) -> str:
    """A number of days as people say it: whole years with their days, everything else in days."""
    if days % 365:
        return _("%(days)s天") % {"days": days}
    return _("%(years)s年（%(days)s天）") % {"years": days // 365, "days": days}
