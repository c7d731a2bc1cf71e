"""What staff must see before anything else: a log that does not fit, a signer that is away, a calendar to enter."""

import contextlib
import dataclasses
import datetime
import shutil
from collections.abc import Iterator

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from notices import recounting
from notices.models import Checkpoint, LogAudit, LogEntry, MailPause
from notices.models.calendar import current_calendar
from notices.models.log import TOLERANCE
from notices.models.outgoing import mended_outboxes, outboxes

ROOM, ROOM_SHARE = 2 * 2**30, 0.1  # of a disk: less than both is almost full
ANNOUNCED = 10  # from October on next year's holidays are asked for: they are announced in November
PUBLISH, EDIT = "notices.publish_publicitynotice", "notices.change_publicitynotice"
CALENDAR = "notices.add_calendarday"


@dataclasses.dataclass(frozen=True)
class Alarm:
    """One sentence, where to act, and what is to be known of it. `name` stays while the figures in the sentence change.

    Who has one of the permissions `of` can act on it; where there is none, whoever runs the site.
    """

    name: str
    text: str
    url: str = ""
    details: tuple[str, ...] = ()
    of: tuple[str, ...] = ()


def alarms(now: datetime.datetime | None = None, user=None) -> list[Alarm]:
    """What is wrong with the site; for a user what they can act on, in their organisations."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    found = [*_audit(), *_unsigned(now), *_mail_paused(), *_undeliverable(user), *_calendar(today)]
    found += [*_recounted(today, user), *_disk()]
    return [each for each in found if user is None or user.is_superuser or any(map(user.has_perm, each.of))]


def _audit() -> Iterator[Alarm]:
    audit = LogAudit.objects.newest()
    if audit and audit.count:
        at = f"{timezone.localtime(audit.audited_at):%Y-%m-%d %H:%M}"
        text = (
            f"{at} 核对公示日志，发现 {audit.count} 处不符。请停止发布，保留现场，核对备份后再运行 audit_publication。"
        )
        yield Alarm("log", text, details=tuple(audit.differences), of=(PUBLISH,))


def _unsigned(now: datetime.datetime) -> Iterator[Alarm]:
    newest = Checkpoint.objects.newest()
    unsigned = LogEntry.objects.filter(sequence__gte=newest.size if newest else 0, at__lt=now - TOLERANCE)
    if count := unsigned.count():
        yield Alarm(
            "unsigned",
            f"{count} 条公示日志等待签名已超过 {TOLERANCE.seconds} 秒，尚未公开。请检查 sign_log 是否在运行。",
        )


def _mail_paused() -> Iterator[Alarm]:
    if pause := MailPause.objects.first():
        since = f"{timezone.localtime(pause.begun_at):%Y-%m-%d %H:%M}"
        waiting = sum(model.objects.unsent().count() for model in outboxes())
        text = f"{since} 起邮件服务器连接不上或拒收全部邮件（{pause.last_error}），{waiting} 封邮件等待发出。"
        yield Alarm("mail", f"{text}系统会不断重试，恢复后自动发出；请检查邮件服务器和 EMAIL_URL。", of=_menders())


def _menders() -> tuple[str, ...]:
    """The permissions of those whose mails wait."""
    return tuple(model.mended_with for model in mended_outboxes())


def _own(rows, user):
    return rows.own(user) if user else rows.all()


def _undeliverable(user) -> Iterator[Alarm]:
    for model in mended_outboxes():
        if count := _own(model.objects, user).undeliverable().count():
            listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            text = f"{count} 封邮件被收件方拒收，没有送达。请核对地址，更正或确认后重新发送。"
            yield Alarm(
                f"refused {model._meta.label}", text, f"{listed}?delivery=undeliverable", of=(model.mended_with,)
            )


def _calendar(today: datetime.date) -> Iterator[Alarm]:
    calendar = current_calendar()
    for year in range(today.year, today.year + 1 + (today.month >= ANNOUNCED)):
        if not calendar.day(datetime.date(year, 1, 1)).published:
            text = f"{year} 年的放假安排还没有录入，涉及该年的公示期算不准。公布后请录入日历，或运行 load_calendar。"
            yield Alarm(f"calendar {year}", text, reverse("admin:notices_calendarday_changelist"), of=(CALENDAR,))


def _recounted(today: datetime.date, user) -> Iterator[Alarm]:
    found = list(recounting.recounts(_own(recounting.standing(today), user), current_calendar()))
    if found:
        short = sum(recount.is_short for recount in found)
        text = f"{len(found)} 份未结束的公示，工作日数与现行日历不同，其中 {short} 份不足规定天数，请办理延期。"
        yield Alarm(
            "recounted", text, reverse("admin:notices_publicitynotice_changelist") + "?count_changed=1", of=(EDIT,)
        )


def _disk() -> Iterator[Alarm]:
    for place in dict.fromkeys((settings.VAR_DIR, settings.MEDIA_ROOT)):
        with contextlib.suppress(FileNotFoundError):
            disk = shutil.disk_usage(place)
            if disk.free < min(ROOM, disk.total * ROOM_SHARE):
                text = f"存放数据的磁盘只剩 {disk.free // 2**20} MB。写满以后网站收不下异议，请尽快清理或扩容。"
                yield Alarm("disk", text)
                return
