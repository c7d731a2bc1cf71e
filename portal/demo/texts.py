"""Reading the texts. Years in them are relative, so that the data never look old."""

import datetime
import pathlib
import tomllib

FOLDER = pathlib.Path(__file__).parent / "texts"
YEARS = {"{y2}": -2, "{y1}": -1, "{y0}": 0, "{n1}": 1}  # mark → years from now


def read(name: str, today: datetime.date) -> dict:
    """texts/`name`.toml with its years filled in."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    for mark, offset in YEARS.items():
        text = text.replace(mark, str(today.year + offset))
    return tomllib.loads(text)
