"""Evidence of the demonstration: drawn landscapes in place of photographs, and a short record."""

import io

from PIL import Image, ImageDraw

SIZE = (960, 720)
BEFORE = {"sky": "#b9b7ac", "hills": "#7d7f66", "bank": "#8d8468", "water": "#6e6a52"}
AFTER = {"sky": "#bcdcec", "hills": "#6f9f78", "bank": "#8fb96f", "water": "#4f93b5"}


def of(text: dict) -> list[tuple[str, bytes, int]]:
    """(name, content, number of the report) for a task whose text says `evidence = true`."""
    if not text.get("evidence"):
        return []
    heading = text["measures"][0][0]
    return [
        (f"{heading}（整改前）.jpg", landscape(BEFORE, rubbish=True), 1),
        (f"{heading}（整改后）.jpg", landscape(AFTER), 1),
        ("现场核查记录.txt", record(text).encode(), 2),
    ]


def record(text: dict) -> str:
    """A record of what was looked at on the spot."""
    lines = [f"{number}．{heading}：现场核查，与报告一致。" for number, (heading, *_) in enumerate(text["measures"], 1)]
    return "\n".join(["现场核查记录（演示数据）", *lines]) + "\n"


def landscape(colours: dict, rubbish: bool = False) -> bytes:
    """Hills, a river and its banks, as JPEG."""
    picture = Image.new("RGB", SIZE, colours["sky"])
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, 330), (190, 190), (380, 310), (600, 160), (960, 330), (960, 420), (0, 420)], colours["hills"])
    draw.rectangle((0, 380, *SIZE), colours["bank"])
    draw.polygon([(455, 380), (520, 380), (760, 720), (180, 720)], colours["water"])
    for place in range(24 if rubbish else 0):
        x, y = 40 + place * 41 % 300 + (560 if place % 2 else 0), 450 + place * 53 % 230
        draw.polygon([(x, y), (x + 26, y - 18), (x + 44, y + 6), (x + 12, y + 20)], "#57503f", "#39342a")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
