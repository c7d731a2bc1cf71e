"""Step up, never lock out: who sends very much is asked a question, and who answers it, or waits, gets through.

What is counted is the HMAC of an address and a stretch of time; the address itself is kept nowhere.
"""

import datetime
import logging
import unicodedata

from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notices.documents.numerals import to_chinese
from notices.models import Counter
from notices.senders import names_somebody, place

log = logging.getLogger(__name__)

HASTE = datetime.timedelta(seconds=3)  # nobody reads and fills in the form in less
HASTY = 20  # objections from one address in a stretch, after which one sent in haste is asked
FLOOD = 600  # the same for any
GUESSES = 30  # wrong codes from one address in a stretch, after which the page says so


def doubts(address: str, opened_at: datetime.datetime, now: datetime.datetime) -> bool:
    """Count one objection; whether it should answer the question first.

    A form that was open for three seconds is asked only in a flood, and never where the address names nobody: behind a
    proxy that the portal does not trust, everybody shares it.
    """
    count = Counter.objects.hit(*place("objection", address, now))
    hasty = now - opened_at < HASTE
    return (hasty and count > HASTY) or (count > FLOOD and names_somebody(address))


def question(token: str) -> str:
    """The question of one form: a sum in words, the same whenever that form is shown."""
    first, second = _terms(token)
    word = str if get_language() == "en" else to_chinese
    return _("%(first)s加%(second)s等于几？") % {"first": word(first), "second": word(second)}


def is_right(token: str, answer: str) -> bool:
    """Whether `answer` answers the question of this form, in digits or in words."""
    plain = "".join(unicodedata.normalize("NFKC", answer).split()).removesuffix("。")
    total = sum(_terms(token))
    return plain in (str(total), to_chinese(total))


def is_guessing(address: str, now: datetime.datetime) -> bool:
    """Count one wrong receipt code; whether there were too many from there. A right code is never asked about this."""
    key, expires_at = place("guess", address, now)
    if Counter.objects.hits(key) >= GUESSES:  # read, not written: a flood of guesses holds up no objection
        return True
    if Counter.objects.hit(key, expires_at) == GUESSES:
        log.warning("many wrong receipt codes from one address")
    return False


def forget(now: datetime.datetime | None = None) -> int:
    """Remove the counts of stretches that are over; returns how many."""
    return Counter.objects.forget(now or timezone.now())


def _terms(token: str) -> tuple[int, int]:
    digest = salted_hmac("objections.question", token, algorithm="sha256").digest()
    return digest[0] % 9 + 1, digest[1] % 9 + 1
