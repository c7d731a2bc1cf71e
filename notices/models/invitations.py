"""Mail that lets a member of the staff set a password: a link that works once, made when the mail goes out."""

import datetime

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from .constraints import NotAllowed
from .outgoing import Outgoing, OutgoingQuerySet
from .scope import Membership


class InvitationQuerySet(OutgoingQuerySet):
    def within(self, organisations):
        return self.filter(user__in=Membership.objects.colleagues(organisations))

    def invite(self, user, *, by=None, at: datetime.datetime | None = None) -> "Invitation":
        """Queue the mail to the address of `user`. Links of earlier mails end with the password that is set."""
        if not user.is_active or not user.email:
            raise NotAllowed("先填写电子邮箱，并勾选“在用”，再发送。")
        return self.queue(user.email, at or timezone.now(), user=user)


class Invitation(Outgoing):
    belongs_to = "organisation"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name="用户", related_name="invitations")

    objects = InvitationQuerySet.as_manager()
    needs = ("user",)
    mended_with = "auth.change_user"

    class Meta(Outgoing.Meta):
        verbose_name = verbose_name_plural = "设置密码的邮件"

    def __str__(self) -> str:
        return f"设置密码 {self.user.get_username()}"

    @property
    def organisation(self):
        first = self.user.memberships.select_related("organisation").first()
        return first and first.organisation

    def compose(self, connection=None) -> EmailMessage:
        who = {"uidb64": urlsafe_base64_encode(force_bytes(self.user.pk))}
        link = reverse("admin:invitation", kwargs=who | {"token": default_token_generator.make_token(self.user)})
        context = {"user": self.user, "link": settings.SITE_URL + link, "site_name": settings.SITE_NAME}
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        return self.message(
            f"设置登录密码：{settings.SITE_NAME}",
            render_to_string("mail/invitation.txt", context | {"hours": hours}),
            connection,
        )
