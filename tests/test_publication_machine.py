"""Several people draft, review, publish, correct, extend and withdraw on random days: the portal does what a dict says.

The model beside it is plain Python: facts in a dict, its own calendar, its own rules. After each step what the public
sees, what was logged and what is refused must be the same. PUBLICATION_MACHINE_RUNS sets the number of runs.
"""

import datetime
import os

import pytest
from django.utils import timezone
from hypothesis import strategies as st

from tests.make import DAY

pytestmark = pytest.mark.django_db

RUNS = int(os.environ.get("PUBLICATION_MACHINE_RUNS", "30"))
STEPS = 30
START = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=timezone.get_default_timezone())
END = datetime.datetime(2026, 6, 1, 9, 0, tzinfo=timezone.get_default_timezone())

PEOPLE = ("zhang", "li", "wu", "chen")
ORGANISATIONS = (("990300", "青澜市生态环境局"), ("990400", "白沙市生态环境局"))
TEXT = [
    ("problem", "一、反馈问题内容", "青澜河两岸堆放垃圾。"),
    ("acceptance", "二、自我验收意见", "于2025年4月15日完成自我验收,达到销号标准。"),
    ("other", "三、其他", "如有异议，请在公示期内书面反映。"),
]


# ---- the model

HOLIDAYS = {
    *(datetime.date(2026, 4, day) for day in (4, 5, 6)),
    *(datetime.date(2026, 5, day) for day in (1, 2, 3, 4, 5)),
    *(datetime.date(2026, 6, day) for day in (19, 20, 21)),
    *(datetime.date(2026, 9, day) for day in (25, 26, 27)),
}
ADJUSTED = {datetime.date(2026, 5, 9), datetime.date(2026, 9, 20)}


def is_working(day: datetime.date) -> bool:
    return day in ADJUSTED or (day.weekday() < 5 and day not in HOLIDAYS)


def counted(organisation: int, opens: datetime.date, closes: datetime.date) -> int:
    """How many days count: working days of the first organisation; of the second all but the first day."""
    days = [opens + number * DAY for number in range((closes - opens).days + 1)]
    return sum(map(is_working, days)) if organisation == 0 else len(days) - 1


LENGTHS = (5, 7)


def rule_end(organisation: int, opens: datetime.date) -> datetime.date:
    end = opens
    while counted(organisation, opens, end) < LENGTHS[organisation]:
        end += DAY
    return end


def later(organisation: int, end: datetime.date, days: int) -> datetime.date:
    """The end after `days` more in the unit of the organisation."""
    while days:
        end += DAY
        days -= organisation == 1 or is_working(end)
    return end


def new_facts(organisation: int, person: str, opens: datetime.date, closes: datetime.date) -> dict:
    return {
        "organisation": organisation,
        "opens": opens,
        "closes": closes,
        "drafter": person,
        "editors": set(),
        "submitter": None,
        "act": "publish",
        "reference": None,
        "editions": [],
        "proposer": None,
        "withdrawn": False,
    }


def why_not_published(facts: dict, by: str, today: datetime.date, confirmed: bool, reviewed: bool) -> list:
    """Every reason that stands against it."""
    reasons, organisation, opens, closes = [], facts["organisation"], facts["opens"], facts["closes"]
    before = facts["editions"][-1] if facts["editions"] else None
    if reviewed and not facts["submitter"]:
        reasons.append("请先送审")
    if reviewed and by in {facts["drafter"], facts["submitter"], *facts["editors"]}:
        reasons.append("起草人不能发布")
    if not facts["drafter"]:
        reasons.append("没有待发布的草稿")
    if facts["withdrawn"]:
        reasons.append("已经撤回")
    if before and closes < before["closes"]:
        reasons.append("只能延长")
    if before and opens != before["opens"]:
        reasons.append("不能改动开始日期")
    if not before and opens < today:
        reasons.append("不能倒填日期")
    if closes < rule_end(organisation, opens):
        reasons.append("请先改正")
    if not confirmed and (counted(organisation, opens, closes) > LENGTHS[organisation] or not is_working(opens)):
        reasons.append("请核对以下提示")
    return reasons


def why_not_published_now(facts: dict, by: str, today: datetime.date, confirmed: bool) -> list:
    return why_not_published(facts, by, today, confirmed, reviewed=True)


def why_not_in_emergency(facts: dict, by: str, today: datetime.date, emergency_reason: str, confirmed: bool) -> list:
    unexplained = [] if emergency_reason else ["紧急发布要写明原因"]
    return unexplained + why_not_published(facts, by, today, confirmed, reviewed=False)


def why_not_submitted(facts: dict, by: str, today: datetime.date) -> list:
    return [] if facts["drafter"] and not facts["submitter"] else ["不是可以送审的草稿"]


def why_not_sent_back(facts: dict, by: str, today: datetime.date, reason: str) -> list:
    return ([] if reason else ["退回原因"]) + ([] if facts["submitter"] else ["没有送审"])


def why_not_confirmed(facts: dict, by: str, today: datetime.date) -> list:
    if not facts["editions"]:
        return ["还没有发布"]
    edition = facts["editions"][-1]
    reasons = ["不需要确认"] if edition["confirmed"] else []
    return reasons + (["不能确认自己发布的版本"] if by in (edition["drafter"], edition["publisher"]) else [])


def why_not_corrected(facts: dict, by: str, today: datetime.date, reason: str) -> list:
    reasons = [] if reason else ["请写明更正或延期的原因"]
    if not facts["editions"] or facts["drafter"] or facts["withdrawn"]:
        reasons.append("只有已发布、未撤回")
    return reasons


def why_not_extended(facts: dict, by: str, today: datetime.date, reason: str, closes_on: datetime.date) -> list:
    earlier = [] if closes_on > facts["closes"] else ["要晚于现在的结束日期"]
    return earlier + why_not_corrected(facts, by, today, reason)


def why_not_compensated(facts: dict, by: str, today: datetime.date, reason: str, days: int) -> list:
    return ([] if days > 0 else ["补偿的天数至少为 1"]) + why_not_corrected(facts, by, today, reason)


def why_no_withdrawal_proposed(facts: dict, by: str, today: datetime.date, reason: str) -> list:
    reasons = [] if reason else ["请写明撤回原因"]
    if not facts["editions"] or facts["withdrawn"] or facts["proposer"]:
        reasons.append("尚未撤回的公示可以提议撤回")
    return reasons


def why_not_kept(facts: dict, by: str, today: datetime.date) -> list:
    return [] if facts["proposer"] and not facts["withdrawn"] else ["没有待确认的撤回"]


def why_not_withdrawn(facts: dict, by: str, today: datetime.date) -> list:
    return why_not_kept(facts, by, today) + (["不能自己确认"] if by == facts["proposer"] else [])


def edition_of(facts: dict, by: str, via: str) -> dict:
    said = {name: facts[name] for name in ("opens", "closes", "drafter")}
    return said | {"publisher": by, "via": via, "confirmed": via == "review"}


def state_of(facts: dict, today: datetime.date) -> str:
    edition = facts["editions"][-1]
    if facts["withdrawn"]:
        return "withdrawn"
    if today < edition["opens"]:
        return "upcoming"
    return "open" if today <= edition["closes"] else "closed"


# Each verb: what stands against it, and what is said with it (drawn for these facts).
REASON = st.sampled_from(["更正事实", "更正事实", "更正事实", ""])
VERBS = {
    "submit": (why_not_submitted, lambda facts: {}),
    "send_back": (why_not_sent_back, lambda facts: {"reason": REASON}),
    "publish": (why_not_published_now, lambda facts: {"confirmed": st.sampled_from([True, True, True, False])}),
    "publish_in_emergency": (
        why_not_in_emergency,
        lambda facts: {"emergency_reason": st.sampled_from(["汛期抢险", ""]), "confirmed": st.booleans()},
    ),
    "confirm_edition": (why_not_confirmed, lambda facts: {}),
    "begin_correction": (why_not_corrected, lambda facts: {"reason": REASON}),
    "extend": (
        why_not_extended,
        lambda facts: {
            "reason": REASON,
            "closes_on": st.integers(-1, 9).map(lambda days: facts["closes"] + days * DAY),
        },
    ),
    "compensate": (why_not_compensated, lambda facts: {"reason": REASON, "days": st.integers(0, 4)}),
    "propose_withdrawal": (why_no_withdrawal_proposed, lambda facts: {"reason": REASON}),
    "keep": (why_not_kept, lambda facts: {}),
    "withdraw": (why_not_withdrawn, lambda facts: {}),
}
# What is said when somebody wants it to succeed.
WILLING = {
    "reason": lambda facts: "更正事实",
    "confirmed": lambda facts: True,
    "emergency_reason": lambda facts: "汛期抢险",
    "closes_on": lambda facts: facts["closes"] + 3 * DAY,
    "days": lambda facts: 2,
}
UNWILLING = {
    "reason": lambda facts: "",
    "confirmed": lambda facts: False,
    "emergency_reason": lambda facts: "",
    "closes_on": lambda facts: facts["closes"],
    "days": lambda facts: 0,
}
# How often it happens, where it is not once.
WEIGHT = {"publish": 6, "begin_correction": 3, "extend": 2, "compensate": 2}
