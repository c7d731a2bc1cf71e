"""What templates show of objections without telling of anyone: counts."""

from django import template

from notices.models import PublicityNotice, State
from objections import outcomes

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
