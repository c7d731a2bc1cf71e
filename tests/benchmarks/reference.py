"""An invented notice as long as the real one that the portal is measured against: 3,690 characters, six measures."""

import datetime
import subprocess
import sys
import zoneinfo
from pathlib import Path

from notices.documents.numerals import to_chinese
from tests.invented import WATER, Writer, listed

LENGTH = 3690  # characters
PLACE = zoneinfo.ZoneInfo("Asia/Shanghai")
LABELS = "一二三四五六"
MONITORED = listed("COD BOD5 TOC TN TP SS NOX SO2 VOC NMHC TSP PM10 H2S NH3 CS2 PB CD CR HG CU ZN NI MN FE")
TITLE = "关于第一轮中央生态环境保护督察第{}项整改任务的整改情况公示"
END = """公示期：{opens}至{closes}。
如有异议，请联系青澜市生态环境局，电话：0000-1234567，邮箱：office@portal.example
青澜市生态环境局
{opens}
"""


def text(today: datetime.date, number: int = 35) -> str:
    """What the file of the notice about that task says; the window is open today."""
    writer, rest = Writer(number), LENGTH - 340
    lines = [TITLE.format(to_chinese(number)), "根据有关规定，现对整改任务（COD）的整改情况进行公示。"]
    lines += ["一、反馈问题", writer.paragraph(WATER, rest // 12), "二、整改目标", writer.paragraph(WATER, rest // 16)]
    watched = ["监测（" + "、".join(MONITORED[each::6]) + "）。" for each in range(6)]
    measures = [f"{writer.paragraph(WATER, rest // 20)}{each}" for each in watched]
    lines += ["三、整改措施", *(f"（{label}）{each}" for label, each in zip(LABELS, measures, strict=True))]
    lines += ["四、工作开展情况", *(f"（{label}）{writer.paragraph(WATER, rest // 12)}" for label in LABELS)]
    days = {"opens": today, "closes": today + datetime.timedelta(days=20)}
    return "\n".join(lines) + "\n" + END.format(**{name: f"{day:%Y年%m月%d日}" for name, day in days.items()})


def texts(count: int) -> list[str]:
    """It and others like it."""
    today = datetime.datetime.now(PLACE).date()
    return [text(today, number) for number in range(35, 35 + count)]


def publish(folder: Path, count: int = 1, **run) -> str:
    """Put it, and others like it, on the site that `run`, the arguments of subprocess.run, tells of; its reference."""
    files = [folder / f"notice-{number}.txt" for number in range(count)]
    for file, content in zip(files, reversed(texts(count)), strict=True):
        file.write_text(content)
    command = [sys.executable, "manage.py", "import_notice", *map(str, files), "--organisation", "990300", "--create"]
    run |= {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    told = subprocess.run([*command, "--mailbox", "office@portal.example", "--publish"], check=True, **run)
    return told.stdout.split()[-1]
