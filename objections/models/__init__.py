from .attachment import Attachment
from .handling import Note, Reminder
from .objection import PRIVACY_VERSION, AlreadyReceived, Event, Objection, content_digest
from .outgoing import OutgoingMail
from .queue import Status
from .tally import Tally
from .terms import HandlingTerms

__all__ = [
    "PRIVACY_VERSION",
    "AlreadyReceived",
    "Attachment",
    "Event",
    "HandlingTerms",
    "Note",
    "Objection",
    "OutgoingMail",
    "Reminder",
    "Status",
    "Tally",
    "content_digest",
]
