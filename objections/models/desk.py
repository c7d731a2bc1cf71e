"""Where an objection to a notice goes and by when it is dealt with: read once for all who post in the same moment."""

import dataclasses
import datetime

from notices import windows
from notices.models import Organisation, PublicityNotice
from notices.models.calendar import current_calendar

from . import routing
from .terms import HandlingTerms


@dataclasses.dataclass(frozen=True)
class Desk:
    """What receiving an objection needs to know of its notice, as everything stands. It is shared: nobody changes it."""

    notice: PublicityNotice
    terms: HandlingTerms
    calendar: windows.Calendar
    routed_to: Organisation | None

    @classmethod
    def of(cls, notice: PublicityNotice) -> "Desk":
        terms = HandlingTerms.of(notice.edition.receiving_office)
        return cls(notice, terms, current_calendar(), routing.supervisor_of(notice))

    def dates(self, received_on: datetime.date) -> dict[str, datetime.date]:
        """`decide_by` and `reply_by` of an objection that came on `received_on`."""
        return self.terms.dates(received_on, self.calendar)
