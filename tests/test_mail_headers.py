"""Whatever stands in a field, a mail has the headers and the one recipient that it is meant to have, or is not made."""

import email
import email.errors
import random

import pytest
from django.core.mail import BadHeaderError, EmailMessage
from django.utils import timezone

from notices.models import AlarmMail, Invitation, Subscriber, Subscription
from notices.models.outgoing import outboxes
from notices.models.subscribing import ConfirmationMail, Digest, DigestMail
from objections.models import OutgoingMail

from . import make

pytestmark = pytest.mark.django_db
HEADERS = {
    "content-type",
    "mime-version",
    "content-transfer-encoding",
    "subject",
    "from",
    "to",
    "date",
    "message-id",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
}
PIECES = [
    "\r\nBcc: evil@evil.example", "\nBcc: evil@evil.example", "\rX-Evil: 1", "\r\n\r\n<script>", "\u2028Bcc: evil@evil.example", "\x0bBcc:", "\x85Bcc:",
    "=?utf-8?q?=0D=0ABcc:_evil@evil.example?=", "wang@citizen.example", ",evil@evil.example", ";evil@evil.example", "<evil@evil.example>",
    '"a"@', "@", "\0", "\ud800", "王小明", "😀", "(", " ", "\t", "%0d%0aBcc:evil@evil.example", "undisclosed-recipients:;",
]  # fmt: skip
REFUSED = (BadHeaderError, ValueError, UnicodeError, RecursionError, email.errors.MessageError)


def strings(count: int, seed: int = 8) -> list[str]:
    chance = random.Random(seed)
    return (
        PIECES
        + ["a" * 1200]
        + ["".join(chance.choices(PIECES, k=chance.randint(2, 4))) for _ in range(count - len(PIECES) - 1)]
    )


def mails() -> list:
    """One of every kind of every outbox there is."""
    now, objection = timezone.now(), make.make_objection()
    for kind in OutgoingMail.Kind:
        OutgoingMail.objects.queue("office@qinglan.example", now, objection=objection, kind=kind, token="token")
    Invitation.objects.invite(make.make_user("han", email="han@qinglan.example"))
    subscriber = Subscriber.objects.create(email="wang@citizen.example", digest="x", created_at=now)
    asked = Subscription.objects.create(subscriber=subscriber, words="水", asked_at=now)
    ConfirmationMail.objects.queue(subscriber.email, now, subscription=asked)
    digest = Digest.objects.create(number=1, size=1, created_at=now)
    DigestMail.objects.queue(subscriber.email, now, subscriber=subscriber, digest=digest, lines=[0])
    AlarmMail.objects.queue("watch@qinglan.example", now, kind="begun", text="日志不符。", begun_at=now)
    found = [mail for model in outboxes() for mail in model.objects.select_related(*model.needs)]
    assert {type(mail) for mail in found} == set(outboxes()), "a new kind of mail belongs into this test"
    return found


def told_by(message: EmailMessage) -> tuple[set[str], list[str]]:
    """Names of headers and addresses as a server reads them from the bytes."""
    headers = email.message_from_bytes(message.message().as_bytes())
    return {name.lower() for name in headers}, message.recipients()


def attempt(mail, text: str, settings) -> EmailMessage:
    """Composed with `text` in every field that comes from somebody."""
    mail.recipient = settings.SITE_NAME = text
    match mail:
        case Invitation():
            mail.user.username = mail.user.email = mail.user.last_name = text
        case AlarmMail():
            mail.text = text
        case ConfirmationMail():
            mail.subscription.words = text
        case DigestMail():
            (notice, acts, url), *_ = mail.news()
            notice.edition.title = text
            mail.news = lambda: [(notice, acts, url)]
        case OutgoingMail():
            mail.objection.content = mail.objection.name = mail.objection.reply = text
    return mail.compose()


def test_a_thousand_strings_inject_no_header(settings):
    seen = {"made": 0, "refused": 0}
    every = mails()
    for text in strings(1000):
        for mail in every:
            try:
                names, recipients = told_by(attempt(mail, text, settings))
            except REFUSED:
                seen["refused"] += 1
                continue
            seen["made"] += 1
            assert names <= HEADERS, text
            assert recipients == [text], text
    assert min(seen.values()) > 100


def test_a_mail_made_by_hand_would_be_caught():
    by_hand = email.message_from_string("To: a@b.example" + PIECES[1] + "\n\ntext")
    assert "bcc" not in HEADERS
    assert "bcc" in {name.lower() for name in by_hand}
