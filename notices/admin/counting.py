"""The end of a window and the days that count, while somebody is still choosing its first day."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices import windows
from notices.models import Organisation, PublicityNotice
from notices.models.publicity import REASONABLE
from notices.views import counted_days


class Asked(forms.Form):
    """What the form of the notice holds at this moment."""

    stage = forms.CharField(required=False, max_length=20)
    opens_on = forms.DateField(label="公示开始", validators=REASONABLE)
    closes_on = forms.DateField(label="公示结束", required=False, validators=REASONABLE)


@never_cache
@require_safe
def counting(request, model_admin):
    """A piece of the notice's page; somebody else's organisation is not found."""
    if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
        raise PermissionDenied
    given = request.GET.get("organisation", "")
    organisation = get_object_or_404(Organisation.objects.of(request.user), pk=given if given.isdecimal() else 0)
    form = Asked(request.GET)
    if not form.is_valid():
        errors = [error for field in form.errors.values() for error in field]
        return render(
            request, PIECE, {"faults": errors if request.GET.get("opens_on") else ["填写公示开始日期后显示。"]}
        )
    return render(request, PIECE, counted(PublicityNotice(organisation=organisation, **form.cleaned_data)))


TOO_LONG = "公示期或规则的天数过长，无法计算；请核对年份和公示期规则。"
PIECE = "admin/notices/publicitynotice/_window.html"


def counted(notice: PublicityNotice) -> dict:
    """What that piece shows of a working copy, saved or not: the window, and the end that the rule gives it."""
    if not (notice.opens_on and notice.organisation_id):
        return {"faults": ["填写公示开始日期后显示。"]}
    ruled = PublicityNotice(organisation=notice.organisation, stage=notice.stage, opens_on=notice.opens_on)
    is_backwards = notice.closes_on and notice.closes_on < notice.opens_on
    try:
        window, required = (ruled if is_backwards else notice).window(), ruled.window()
    except windows.TooLong:
        return {"faults": [TOO_LONG]}
    if window.working_days is None:
        return {"faults": [TOO_LONG]}
    rule = notice.organisation.rule(notice.stage)
    return {
        "document": {"window": window},
        "rule": rule,
        "ruled_on": required.closes_on,
        "closes_on": notice.closes_on or required.closes_on,
        "today": timezone.localdate(),
        **counted_days(window),
    }
