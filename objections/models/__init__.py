from .attachment import Attachment
from .handling import Note, Reminder
from .objection import Event, Objection
from .objector import Supplement
from .outgoing import OutgoingMail
from .queue import Status
from .receiving import AlreadyReceived, content_digest
from .tally import Tally
from .terms import HandlingTerms

__all__ = [
    "AlreadyReceived",
    "Attachment",
    "Event",
    "HandlingTerms",
    "Note",
    "Objection",
    "OutgoingMail",
    "Reminder",
    "Status",
    "Supplement",
    "Tally",
    "content_digest",
]
