"""The objection form: every error beside its field, everything typed kept."""

import datetime
import re
import secrets
import unicodedata
from typing import NamedTuple

from crispy_forms.bootstrap import InlineRadios
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Field, Fieldset, Layout, Submit
from django import forms
from django.conf import settings
from django.core import signing
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notices import clamd
from notices.attachments import EXTENSIONS, LIMITS, Refused, check_all
from notices.documents.notice import NoticeDocument
from notices.models import PublicityNotice, ReceivingOffice, State

from . import throttle
from .models import Objection
from .models.terms import form_until
from .vault import Unavailable

SALT = "objections.form"
IDENTITY_NUMBER = re.compile(r"(?<!\d)\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")
PHONE = RegexValidator(r"^\+?[\d\-(), 转x/]{5,60}\Z", _("请填写电话号码，例如 0533-1234567 或手机号。"))
NO_IDENTITY_NUMBER = _("请不要填写身份证号：提出异议不需要身份证号。请删去后再提交。")


class Opened(NamedTuple):
    """What a form is opened on: a notice, by its keys."""

    pk: int
    edition_id: int


def new_token(notice: PublicityNotice | Opened, now: datetime.datetime) -> str:
    """A signed token for one form: which notice and edition it was opened on, when, and a nonce."""
    opened = {"n": notice.pk, "e": notice.edition_id, "t": now.timestamp(), "x": secrets.token_urlsafe(16)}
    return signing.dumps(opened, salt=SALT)


def read_token(token: str, notice: PublicityNotice) -> tuple[int, datetime.datetime] | None:
    """(edition id, time of opening) of a token that this site gave out for `notice`; None for any other."""
    try:
        opened = signing.loads(token, salt=SALT)
        if opened["n"] != notice.pk:
            return None
        return opened["e"], datetime.datetime.fromtimestamp(opened["t"], tz=datetime.UTC)
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None


def parts(document: NoticeDocument) -> list[tuple[str, str]]:
    """What an objection can concern: the notice, each measure and progress item, the self-acceptance."""
    choices = [("notice", _("整份公示"))]
    for section in document.sections:
        if section.kind in ("measures", "progress"):
            name = _("整改措施") if section.kind == "measures" else _("工作开展情况")
            choices += [
                (f"{section.kind}-{item.ordinal}", f"{name}{item.label}{item.heading}"[:60]) for item in section.items
            ]
    if document.acceptance:
        choices.append(("acceptance", _("自我验收")))
    return list(dict(choices).items())


class AttachmentsInput(forms.FileInput):
    allow_multiple_selected = True


class AttachmentsField(forms.Field):
    """Any number of files, none of them required: a list of attachments.Checked. Raises Unavailable for a file that
    the temporary folder could not take."""

    widget = AttachmentsInput(attrs={"accept": ",".join(f".{extension}" for extension in EXTENSIONS)})

    def clean(self, value) -> list:
        if any(getattr(upload, "lost", False) for upload in value or []):
            raise Unavailable("no room for temporary files")
        try:
            return check_all(value or [])
        except Refused as refusal:
            raise forms.ValidationError(list(refusal.args)) from None


class AttachmentsForm(forms.Form):
    """A form with files: checked like those of everybody, scanned where there is a scanner."""

    attachments = AttachmentsField(label=_("附件"), required=False, help_text=_(LIMITS))

    def is_harmless(self) -> bool:
        """Whether the virus scanner, where there is one, has nothing against the files. Raises Unavailable."""
        for each in self.cleaned_data.get("attachments", []) if settings.CLAMD_URL else ():
            try:
                found = clamd.found_in(each.upload.chunks())
            except clamd.NoAnswer as error:
                raise Unavailable(str(error)) from error
            if found:
                self.add_error("attachments", _("“%(name)s”：病毒扫描发现问题，不能接收。") % {"name": each.name})
        return not self.errors


class FilesForm(AttachmentsForm):
    """A public form that takes files where the office does, and says so when files come all the same."""

    def __init__(self, *args, office: ReceivingOffice, **options):
        super().__init__(*args, **options)
        if not office.accepts_attachments:
            del self.fields["attachments"]
        for field in self.fields.values():
            field.error_messages.setdefault("max_length", _("内容太长，请控制在 %(limit_value)d 字以内。"))

    def clean(self) -> dict:
        said = super().clean()
        if set(self.files) - {"attachments"}:  # never a thank-you for something dropped
            self.complain_of_files(_("有文件不是从“附件”一栏选择的，没有收下。"))
        elif self.files and "attachments" not in self.fields:
            self.complain_of_files(
                _("受理部门不在网上接收附件，您选择的文件没有收下。请不带附件再提交一次，文字都还在。")
            )
        return said

    def complain_of_files(self, message: str) -> None:
        """An error beside the field, or above the form where it has none."""
        self.add_error("attachments" if "attachments" in self.fields else None, message)

    @property
    def checked(self) -> list:
        """The files that may be stored."""
        return self.cleaned_data.get("attachments", [])

    def refuse_identity_numbers(self, *names: str) -> None:
        for name in names:
            if IDENTITY_NUMBER.search(unicodedata.normalize("NFKC", self.cleaned_data.get(name) or "")):
                self.add_error(name, NO_IDENTITY_NUMBER)


class ObjectionForm(FilesForm):
    """What the public form posts. `anonymous` is offered only where the office takes anonymous objections."""

    kind = forms.ChoiceField(
        label=_("您以什么身份提出异议"),
        choices=[(value, _(label)) for value, label in Objection.Kind.choices],
        initial=Objection.Kind.INDIVIDUAL,
        widget=forms.RadioSelect,
    )
    anonymous = forms.BooleanField(
        label=_("我要匿名提出"), required=False, help_text=_("不留姓名和联系方式；凭回执码仍可查询答复。")
    )
    name = forms.CharField(label=_("姓名或单位名称"), required=False, max_length=100)
    phone = forms.CharField(label=_("电话"), required=False, max_length=60, help_text=_("电话和邮箱至少填一项。"))
    email = forms.EmailField(
        label=_("电子邮箱"),
        required=False,
        max_length=200,
        help_text=_("填写后会收到回执和答复。"),
        error_messages={"invalid": _("请填写完整的邮箱地址，例如 name@example.com。")},
    )
    concerns = forms.ChoiceField(
        label=_("针对哪一部分"), required=False, initial="notice", widget=forms.Select(attrs={"lang": "zh-CN"})
    )
    content = forms.CharField(
        label=_("异议内容"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("请写明哪里与实际不符，以及时间和地点，最多 5000 字。请不要填写身份证号。"),
        error_messages={"required": _("请写明您的异议。")},
    )
    consent = forms.BooleanField(
        label=_("我已阅读并同意个人信息处理告知"), error_messages={"required": _("请阅读个人信息处理告知并勾选同意。")}
    )

    homepage = forms.CharField(
        label=_("请不要填写这一栏"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    # As the page shows them, so that the summary of errors follows the page.
    field_order = (
        "concerns",
        "content",
        "attachments",
        "kind",
        "anonymous",
        "name",
        "phone",
        "email",
        "homepage",
        "consent",
    )

    def __init__(self, *args, notice: PublicityNotice, document: NoticeDocument, **options):
        office = notice.edition.receiving_office
        super().__init__(*args, office=office, **options)
        self.fields["concerns"].choices = parts(document)
        if not office.accepts_anonymous:
            del self.fields["anonymous"]
        if "answer" in self.data:
            self._offer_answer()

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        answer = [Field("answer", inputmode="numeric", autocomplete="off")] if "answer" in self.fields else []
        helper.layout = Layout(
            Fieldset(
                _("您的异议"),
                "concerns",
                HTML('{% include "objections/_kept_offer.html" with field="id_content" %}'),
                "content",
                HTML('{% include "objections/_kept_note.html" with field="id_content" %}'),
                *(["attachments"] if "attachments" in self.fields else []),
            ),
            Fieldset(
                _("怎样联系您"),
                InlineRadios("kind"),
                *(["anonymous"] if "anonymous" in self.fields else []),
                Field("name", autocomplete="name"),
                Field("phone", autocomplete="tel", inputmode="tel"),
                Field("email", autocomplete="email", inputmode="email"),
                Field("homepage", wrapper_class="" if self.has_error("homepage") else "trap"),
            ),
            Fieldset(_("同意并提交"), HTML('{% include "objections/_privacy_summary.html" %}'), "consent", *answer),
            Submit("submit", _("提交异议"), css_class="btn-lg"),
        )
        return helper

    def clean_phone(self) -> str:
        phone = unicodedata.normalize("NFKC", self.cleaned_data["phone"]).strip()
        if phone:
            PHONE(phone)
        return phone

    def clean_homepage(self) -> str:
        if self.cleaned_data["homepage"]:
            raise forms.ValidationError(_("这一栏应当留空，这次没有收下。请清空这一栏再提交，其他内容都还在。"))
        return ""

    def clean_concerns(self) -> str:
        return self.cleaned_data["concerns"] or "notice"

    def clean(self) -> dict:
        said = super().clean()
        self.refuse_identity_numbers("name", "phone", "content")
        if said.get("anonymous"):
            said |= {"name": "", "phone": "", "email": ""}
            return said
        if not said.get("name") and not self.has_error("name"):
            self.add_error("name", _("请填写姓名或单位名称。"))
        unreachable = not said.get("phone") and not said.get("email")
        if unreachable and not self.has_error("phone") and not self.has_error("email"):
            self.add_error("phone", _("请填写电话或电子邮箱，至少一项，以便答复您。"))
        return said

    def ask(self, *, in_haste: bool) -> None:
        """Hand the form back with a question to answer."""
        self._offer_answer()
        answered = self.data.get("answer", "").strip()
        self.add_error("answer", _("答得不对，这次没有提交。") if answered else _("请回答这个问题，这次没有提交。"))
        if in_haste:
            self.add_error("answer", _("或者稍等几秒，直接再点一次“提交异议”。"))

    def _offer_answer(self) -> None:
        help_text = _("从您所在的网络短时间内提交了很多异议，请回答后再提交。可以写数字，也可以写汉字。")
        question = throttle.question(self.data.get("token", ""))
        self.fields["answer"] = forms.CharField(label=question, required=False, max_length=20, help_text=help_text)

    def store(self, **arrival) -> Objection | None:
        """Store what was said; None when it was not `admitted`. Raises AlreadyReceived and vault.Unavailable."""
        return Objection.objects.receive(said=self.said(), attachments=self.checked, **arrival)

    def said(self) -> dict:
        """What Objection.objects.receive stores."""
        return {
            "kind": self.cleaned_data["kind"],
            "anonymous": self.cleaned_data.get("anonymous", False),
            **{name: self.cleaned_data[name] for name in ("name", "phone", "email", "concerns", "content")},
        }


class TrackingForm(forms.Form):
    """One field: the receipt code, however it was typed."""

    code = forms.CharField(
        label=_("回执码"),
        max_length=100,
        help_text=_("提交异议后显示的一串字母和数字；大小写、空格和横线不影响。"),
        error_messages={"required": _("请填写回执码。")},
    )


class MaterialForm(FilesForm):
    """What the objector adds later: text, files, or both."""

    text = forms.CharField(
        label=_("补充内容"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("最多 5000 字。请不要填写身份证号。"),
    )
    field_order = ("text", "attachments")

    def clean(self) -> dict:
        said = super().clean()
        self.refuse_identity_numbers("text")
        if not said.get("text") and not self.files and not self.errors:
            self.add_error(
                "text",
                _("请填写要补充的内容，或选择附件。") if "attachments" in self.fields else _("请填写要补充的内容。"),
            )
        return said


class WithdrawalForm(forms.Form):
    """Taking the objection back; why is nobody's business unless it is told."""

    reason = forms.CharField(
        label=_("原因（可以不填）"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    confirm = forms.BooleanField(
        label=_("我确定撤回这条异议"), error_messages={"required": _("请勾选确认，才会撤回。")}
    )


class ErasureForm(forms.Form):
    """Asking for erasure."""

    confirm = forms.BooleanField(
        label=_("我确定申请删除这条异议里的个人信息"), error_messages={"required": _("请勾选确认，才会提交申请。")}
    )


def takes_objections(notice: PublicityNotice, opened_at: datetime.datetime) -> bool:
    """Whether a form of this notice opened then may be sent now: always while the notice is open, and after its close
    if the form was still handed out at that time."""
    state = notice.state()
    return state == State.OPEN or (state == State.CLOSED and timezone.localdate(opened_at) <= form_until(notice))
