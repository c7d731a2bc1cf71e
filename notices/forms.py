"""What the public tells the site about itself to be told of notices: an address, and of what."""

import unicodedata

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field, Layout, Submit
from django import forms
from django.utils.translation import gettext_lazy as _

from .models import InspectionRound, Organisation, PublicityNotice
from .search import asking


class SubscribeForm(forms.Form):
    """Fields carry the same values as the filters of the list of notices."""

    email = forms.EmailField(
        label=_("电子邮箱"),
        max_length=200,
        help_text=_("我们会先发一封确认邮件；没有确认的，7天后删除。"),
        error_messages={
            "required": _("请填写接收通知的邮箱。"),
            "invalid": _("请填写完整的邮箱地址，例如 name@example.com。"),
        },
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        to_field_name="code",
        label=_("发布单位"),
        required=False,
        empty_label=_("全部"),
        widget=forms.Select(attrs={"lang": "zh-CN"}),
        error_messages={"invalid_choice": _("没有这个选项，请从列表里选择。")},
    )
    round = forms.ModelChoiceField(
        InspectionRound.objects.none(),
        to_field_name="slug",
        label=_("督察轮次"),
        required=False,
        empty_label=_("全部"),
        widget=forms.Select(attrs={"lang": "zh-CN"}),
        error_messages={"invalid_choice": _("没有这个选项，请从列表里选择。")},
    )
    words = forms.CharField(
        label=_("公示里有这些词"),
        required=False,
        max_length=asking.LONGEST,
        help_text=_("几个词之间用空格隔开，都出现才通知，和搜索公示一样。不填就不限。"),
        error_messages={"max_length": _("内容太长，请控制在 %(limit_value)d 字以内。")},
    )
    homepage = forms.CharField(
        label=_("请不要填写这一栏"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        public = PublicityNotice.objects.public()
        self.fields["organisation"].queryset = Organisation.objects.filter(pk__in=public.values("organisation"))
        self.fields["round"].queryset = InspectionRound.objects.filter(pk__in=public.values("edition__tasks__round"))

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = Layout(
            Field("email", autocomplete="email", inputmode="email"),
            "organisation",
            "round",
            Field("words", autocomplete="off"),
            Field("homepage", wrapper_class="" if self.has_error("homepage") else "trap"),
            Submit("submit", _("订阅"), css_class="btn-lg"),
        )
        return helper

    def clean_words(self) -> str:
        """As search reads them, so that the same words are the same subscription."""
        words = " ".join(unicodedata.normalize("NFKC", self.cleaned_data["words"]).split())
        if words and not asking.terms(words):
            raise forms.ValidationError(_("这里面没有可以查找的字、词或数字。"))
        return words[: asking.LONGEST]

    def clean_homepage(self) -> str:
        if self.cleaned_data["homepage"]:
            raise forms.ValidationError(_("这一栏应当留空，这次没有收下。请清空这一栏再提交，其他内容都还在。"))
        return ""

    def topic(self) -> dict:
        """What is asked for, as the fields of a Subscription."""
        return {name: self.cleaned_data[name] for name in ("organisation", "round", "words")}
