from .calendar import CalendarDay
from .constraints import NotAllowed
from .editions import Edition, ReferenceYear
from .organisations import Organisation, PublicityRule, ReceivingOffice
from .publicity import (
    NoticeSection,
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
