"""Objections that came by telephone, letter, visit or e-mail: written down by staff, in two steps."""

import logging
import secrets
import unicodedata

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from notices.models import PublicityNotice
from objections import receipts
from objections.forms import IDENTITY_NUMBER, NO_IDENTITY_NUMBER, PHONE, AttachmentsForm, parts
from objections.models import AlreadyReceived, Objection
from objections.models.objection import SAID
from objections.vault import Unavailable

log = logging.getLogger(__name__)

CHANNELS = [choice for choice in Objection.Channel.choices if choice[0] != Objection.Channel.WEB]
CHOOSE_AGAIN = "填写的文字都还在；附件没有保存，请重新选择。"
AWAY = "附件暂时无法检查或保存，没有录入。请稍后再试，或先不带附件录入。"


def day(label: str, **options) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


class EntryForm(AttachmentsForm):
    """What a handler knows of an objection. A letter may come without a name or an address to answer to."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64, min_length=32)
    channel = forms.ChoiceField(label="渠道", choices=CHANNELS)
    received_on = day("收到日期", help_text="期限从次日起算。")
    postmarked_on = day("邮戳日期", required=False, help_text="只有来信填写；是否逾期按邮戳日期算。")
    concerns = forms.ChoiceField(label="针对哪一部分")
    content = forms.CharField(label="异议内容", max_length=5000, widget=forms.Textarea(attrs={"rows": 8}))
    kind = forms.ChoiceField(label="异议人", choices=Objection.Kind)
    anonymous = forms.BooleanField(label="匿名，不留姓名和联系方式", required=False)
    name = forms.CharField(label="姓名或单位名称", required=False, max_length=100)
    phone = forms.CharField(label="电话", required=False, max_length=60)
    email = forms.EmailField(label="电子邮箱", required=False, max_length=200, help_text="填写后会收到回执和答复。")

    def __init__(self, *args, notice: PublicityNotice, **options):
        super().__init__(*args, **options)
        self.fields["concerns"].choices = parts(notice.edition.read())
        self.order_fields(["token", "channel", "received_on", "postmarked_on", "concerns", "content", "attachments"])

    def clean_phone(self) -> str:
        phone = unicodedata.normalize("NFKC", self.cleaned_data["phone"]).strip()
        if phone:
            PHONE(phone)
        return phone

    def clean_received_on(self):
        if self.cleaned_data["received_on"] > timezone.localdate():
            raise forms.ValidationError("收到日期不能晚于今天。")
        return self.cleaned_data["received_on"]

    def clean(self) -> dict:
        known = super().clean()
        for name in ("name", "phone", "content"):
            if IDENTITY_NUMBER.search(unicodedata.normalize("NFKC", known.get(name) or "")):
                self.add_error(name, NO_IDENTITY_NUMBER)
        self._check_postmark(known.get("channel"), known.get("postmarked_on"), known.get("received_on"))
        if known.get("anonymous"):
            known |= {"name": "", "phone": "", "email": ""}
        elif not known.get("name") and not self.has_error("name"):
            self.add_error("name", "请填写姓名或单位名称；没有的，请勾选匿名。")
        return known

    def _check_postmark(self, channel, postmarked_on, received_on) -> None:
        if postmarked_on and channel != Objection.Channel.POST:
            self.add_error("postmarked_on", "只有来信有邮戳日期。")
        elif postmarked_on and received_on and postmarked_on > received_on:
            self.add_error("postmarked_on", "邮戳日期不能晚于收到日期。")

    def store(self, *, by, notice: PublicityNotice) -> Objection:
        known = self.cleaned_data
        arrival = {name: known[name] for name in ("token", "channel", "received_on", "postmarked_on", "attachments")}
        return Objection.objects.enter(by=by, notice=notice, said={name: known[name] for name in SAID}, **arrival)


class Choice(forms.Form):
    """The first step: which notice it is about."""

    notice = forms.ModelChoiceField(
        label="针对哪一份公示",
        queryset=PublicityNotice.objects.none(),
        to_field_name="reference",
        error_messages={"invalid_choice": "没有这份公示，或者还没有公开。"},
    )

    def __init__(self, *args, user, **options):
        super().__init__(*args, **options)
        self.fields["notice"].queryset = PublicityNotice.objects.public().concerning(user).select_related("edition")
        self.fields["notice"].label_from_instance = lambda notice: f"{notice.reference} {notice.edition.title}"


@never_cache
def enter(request):
    """Choose a notice, then fill in the form; what was stored answers with its receipt code, shown this once."""
    if not request.user.has_perm("objections.handle_objection"):
        raise PermissionDenied
    reference = request.GET.get("notice", "").replace("\0", "")
    if not reference:
        return _page(request, Choice(user=request.user))
    notices = PublicityNotice.objects.public().concerning(request.user)
    notices = notices.select_related("edition__receiving_office__organisation")
    notice = get_object_or_404(notices, reference=reference)
    blank = {"token": secrets.token_urlsafe(24), "received_on": timezone.localdate(), "concerns": "notice"}
    form = EntryForm(request.POST or None, request.FILES or None, notice=notice, initial=blank)
    try:
        sound = form.is_valid() and form.is_harmless()
        return _store(request, form, notice) if sound else _page(request, form, notice)
    except Unavailable as error:
        log.error("attachments: %s", error)
        form.add_error("attachments", AWAY)
        return _page(request, form, notice)


def _store(request, form: EntryForm, notice: PublicityNotice):
    try:
        objection = form.store(by=request.user, notice=notice)
    except AlreadyReceived as earlier:
        form.add_error(
            None, f"这份表单已经录入过，受理编号 {earlier.objection.number}。回执码只显示一次，遗失的请补发。"
        )
        return _page(request, form, notice)
    admin.site.get_model_admin(Objection).log_addition(request, objection, "录入")
    return show_code(request, objection, receipts.code_for(form.cleaned_data["token"]))


def show_code(request, objection: Objection, code: str):
    """The page to read a receipt code from, once; nobody keeps it."""
    context = {**admin.site.each_context(request), "title": "回执码", "objection": objection, "code": code}
    response = render(request, "admin/objections/objection/code.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _page(request, form, notice: PublicityNotice | None = None):
    if request.FILES and "attachments" in form.fields:
        form.add_error("attachments", CHOOSE_AGAIN)
    context = {**admin.site.each_context(request), "title": "录入异议", "form": form, "notice": notice}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "admin/objections/objection/enter.html", context, status=status)
