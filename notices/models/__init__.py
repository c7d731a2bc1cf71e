from .calendar import CalendarDay
from .constraints import NotAllowed
from .organisations import Organisation, PublicityRule, ReceivingOffice
from .publicity import (
    Edition,
    NoticeSection,
    PublicityNotice,
    ReferenceYear,
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

__all__ = [
    "CalendarDay",
    "Closure",
    "Edition",
    "InspectionRound",
    "Measure",
    "NotAllowed",
    "NoticeSection",
    "Organisation",
    "ProgressReport",
    "PublicityNotice",
    "PublicityRule",
    "ReceivingOffice",
    "RectificationTask",
    "ReferenceYear",
    "SelfAcceptance",
    "Stage",
    "State",
]
