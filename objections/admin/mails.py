"""Admin of outgoing mail: what waits, what could not be delivered, and the two ways to help it on."""

from django import forms
from django.contrib import admin

from notices.admin.verbs import Verb, ask
from objections.masking import masked_email
from objections.models import OutgoingMail
from objections.sealing import impersonal

from .queue import HANDLE
from .revealing import RevealingAdmin, reveal


class DeliveryFilter(admin.SimpleListFilter):
    title = "发送"
    parameter_name = "delivery"

    def lookups(self, request, model_admin):
        return [("waiting", "待发"), ("undeliverable", "无法送达"), ("sent", "已发出")]

    def queryset(self, request, queryset):
        match self.value():
            case "waiting":
                return queryset.filter(sent_at__isnull=True, refused_at__isnull=True)
            case "undeliverable":
                return queryset.filter(sent_at__isnull=True, refused_at__isnull=False)
            case "sent":
                return queryset.filter(sent_at__isnull=False)
        return queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(RevealingAdmin):
    list_display = ("__str__", "kind", "delivery", "created_at", "due_at", "attempts", "last_error")
    list_filter = (DeliveryFilter, "kind")
    ordering = ("-id",)
    facts = ("objection", "kind", "delivery", "created_at", "due_at", "attempts", "last_error", "sent_at", "message_id")
    verbs = {
        "retry": Verb("确认地址无误，重新发送", HANDLE, lambda mail, user: mail.is_undeliverable),
        "correct": Verb(
            "更正收件地址并发送",
            HANDLE,
            lambda mail, user: not mail.sent_at,
            ask(recipient=forms.EmailField(label="正确的邮箱地址", max_length=200)),
        ),
    }

    def get_queryset(self, request):
        """Without what a list does not show: nothing is decrypted for it."""
        rows = super().get_queryset(request)
        return rows.select_related("objection").defer("recipient", "token", *impersonal("objection__"))

    masks = {"recipient": "masked_recipient"}
    verbs |= reveal(lambda mail, user: user.has_perm(HANDLE))

    def objection_of(self, mail):
        return mail.objection

    @admin.display(description="收件人")
    def masked_recipient(self, mail):
        return masked_email(mail.recipient)

    @admin.display(description="状态")
    def delivery(self, mail):
        if mail.sent_at:
            return "已发出"
        return "无法送达" if mail.is_undeliverable else "待发"

    def get_fields(self, request, obj=None):
        """The address is shown to those who may correct it."""
        return self.shown(request, (*self.facts, "recipient")) if request.user.has_perm(HANDLE) else self.facts

    def get_readonly_fields(self, request, obj=None):
        return self.get_fields(request, obj)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
