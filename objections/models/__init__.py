from .objection import PRIVACY_VERSION, AlreadyReceived, Event, Objection, Status, content_digest
from .outgoing import OutgoingMail
from .tally import Tally

__all__ = [
    "PRIVACY_VERSION",
    "AlreadyReceived",
    "Event",
    "Objection",
    "OutgoingMail",
    "Status",
    "Tally",
    "content_digest",
]
