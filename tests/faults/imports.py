"""Hostile Word, Excel and CSV files, each imported in a child process that may take so much time and memory and no more.

`python -m tests.faults.imports` prints JSON: how each file ended; "careless" reads them as one does who trusts them.
"""

import importlib
import io
import json
import os
import re
import resource
import signal
import sys
from pathlib import Path

SECONDS, MEGABYTES = 10, 300  # of processor, and of memory beyond what the process has before it reads
SOUND = ("read", "refused")


def files() -> dict[str, bytes]:
    """Name → content. What a name ends with says which import takes it."""
    from tests import hostile, test_import_tasks, test_reading_hostile

    found = {f"{name}.docx": content for name, (content, _) in test_reading_hostile.REFUSED.items()}
    found |= {f"{name}.xlsx": each() if callable(each) else each for name, each in test_import_tasks.HOSTILE.items()}
    office = (".docx", ".xlsx")
    found |= {f"sent as {name}": content for name, content in hostile.REFUSED.items() if name.endswith(office)}
    return found | {f"{name}.csv": content for name, content in TABLES.items()}


HEADING = "序号,反馈问题\n".encode()
TABLES = {
    "one quote": HEADING + b'1,"' + b"a" * 2_000_000,
    "quotes": HEADING + b'1,""""' * 300_000,
    "columns": b"," * 3_000_000,
    "rows": HEADING + b"1,a\n" * 900_000,
    "blank rows": HEADING + b"\n" * 5_000_000,
    "nul": HEADING + b"1,a\0b\n" * 100,
    "one cell": HEADING + b"1," + "河".encode() * 2_000_000,
    "surrogates": HEADING + b"1,\xed\xa0\x80\xed\xbf\xbf\n",
    "mixed": HEADING + "2,河\n".encode("gbk") + "3,河\n".encode("utf-16"),
    "utf-16, half a character": "序号,反馈问题\n1,河".encode("utf-16")[:-1],
    "utf-7": "序号,反馈问题\n1,河".encode("utf-7"),
    "formulas": HEADING + b"1,\"=HYPERLINK(\"\"http://x.example\"\")\"\n2,@SUM(A1)\n",
    "numbers": HEADING + b"9" * 6000 + b",a\n1e999,b\n-0,c\nNaN,d\n",
    "carriage returns": HEADING + b"1,a\r" * 300_000,
    "escape": HEADING + b"1,\x1b]0;x\x07\n",
}  # fmt: skip


def read(name: str, content: bytes) -> None:
    """As the portal's own imports read it. Raises Unreadable."""
    from notices import plans
    from notices.documents.reading import read_bytes

    (read_bytes if name.endswith(".docx") else plans.read)(name, content)


def careless(name: str, content: bytes) -> None:
    """As a library reads it that was never told of a limit."""
    import openpyxl

    openpyxl.load_workbook(io.BytesIO(content))


def ended(how, name: str, content: bytes, seconds: int = SECONDS) -> str:
    """What became of one file: read, refused (in a sentence), failed (an error that nobody caught) or killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, _said(how, name, content, seconds).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return said or f"killed by {signal.Signals(-code).name}"


def _said(how, name: str, content: bytes, seconds: int) -> str:
    from notices.documents.files import Unreadable

    held = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (held + MEGABYTES * 1_000_000,) * 2)
    try:
        how(name, content)
    except Unreadable as refusal:
        return "refused" if re.search(r"[\u4e00-\u9fff]{4}", str(refusal)) else f"failed: says {refusal}"
    except BaseException as error:
        return f"failed: {type(error).__name__}"
    return "read"


def campaign(only: str = "", how=read, seconds: int = SECONDS) -> dict[str, str]:
    """Name → how it ended, for the file whose name is `only`, or for all."""
    for library in ("docx", "openpyxl", "notices.plans", "notices.documents.word", "notices.documents.web"):
        importlib.import_module(library)  # once for all children
    chosen = {name: content for name, content in files().items() if name == only or not only}
    return {name: ended(how, name, content, seconds) for name, content in chosen.items()}


if __name__ == "__main__":
    import django

    django.setup()
    found = campaign(how=careless, only=sys.argv[2], seconds=2) if sys.argv[1:2] == ["careless"] else campaign()
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
