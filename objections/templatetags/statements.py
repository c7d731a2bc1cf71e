"""What templates show of objections without telling of anyone: counts, and until when late ones are taken."""

from django import template
from django.utils import timezone

from notices.models import PublicityNotice, State
from objections import outcomes
from objections.models.terms import form_until

register = template.Library()


@register.inclusion_tag("objections/_counts.html")
def objection_counts(notice: PublicityNotice) -> dict:
    """The same counts as one sentence."""
    return objection_ledger(notice)


@register.inclusion_tag("objections/_ledger.html")
def objection_ledger(notice: PublicityNotice) -> dict:
    """The public counts of a closed notice; nothing for any other, and for an archive notice, which never had a form."""
    if notice.is_archive or notice.state() != State.CLOSED:
        return {}
    return {"counts": outcomes.counts(notice)}


@register.inclusion_tag("objections/_late_lane.html")
def late_lane(notice: PublicityNotice) -> dict:
    """Until when the office of a closed notice still takes late objections; nothing where it does not."""
    until = form_until(notice)
    return {"notice": notice, "until": until} if timezone.localdate() <= until else {}
