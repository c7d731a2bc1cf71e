from .alarms import AlarmMail, ToldAlarm
from .calendar import CalendarDay
from .constraints import NotAllowed
from .counter import Counter
from .editions import Confirmation, Edition, EditionTask, Redaction, ReferenceYear
from .evidence import Evidence, PublishedFile, Unavailable
from .invitations import Invitation
from .log import Checkpoint, LogAudit, LogEntry, LogHead, TreeNode
from .organisations import Organisation, PublicityRule, ReceivingOffice
from .outgoing import MailPause, Outgoing
from .publicity import (
    PublicityNotice,
    State,
)
from .rectification import (
    Closure,
    InspectionRound,
    Measure,
    ProgressReport,
    RectificationTask,
    SelfAcceptance,
    Stage,
)
from .scope import Membership
from .sections import NoticeSection
from .showing import Display, Outage
from .subscribing import ConfirmationMail, Digest, DigestMail, Subscriber, Subscription
from .trail import TrailEntry

__all__ = [
    "AlarmMail",
    "CalendarDay",
    "Checkpoint",
    "Closure",
    "Confirmation",
    "ConfirmationMail",
    "Counter",
    "Digest",
    "DigestMail",
    "Display",
    "Edition",
    "EditionTask",
    "Evidence",
    "InspectionRound",
    "Invitation",
    "LogAudit",
    "LogEntry",
    "LogHead",
    "MailPause",
    "Measure",
    "Membership",
    "NotAllowed",
    "NoticeSection",
    "Organisation",
    "Outage",
    "Outgoing",
    "ProgressReport",
    "PublicityNotice",
    "PublicityRule",
    "PublishedFile",
    "ReceivingOffice",
    "RectificationTask",
    "Redaction",
    "ReferenceYear",
    "SelfAcceptance",
    "Stage",
    "State",
    "Subscriber",
    "Subscription",
    "ToldAlarm",
    "TrailEntry",
    "TreeNode",
    "Unavailable",
]
