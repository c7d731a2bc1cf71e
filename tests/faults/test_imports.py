"""Hostile Word, Excel and CSV files are read or refused in a sentence, within 10 s and 300 MB; who trusts them is not."""

import json
import os
import subprocess
import sys

from .imports import SOUND
from .processes import ROOT


def campaign(*arguments: str) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.faults.imports", *arguments]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    return json.loads(subprocess.check_output(command, cwd=ROOT, env=environment, text=True).splitlines()[-1])


def test_every_hostile_file_is_read_or_refused_within_its_limits():
    found = campaign()
    assert {name: how for name, how in found.items() if how not in SOUND} == {}
    kinds = [sum(name.endswith(kind) for name in found) for kind in (".docx", ".xlsx", ".csv")]
    assert len(found) >= 60
    assert min(kinds) >= 10
    assert list(found.values()).count("refused") > len(found) / 2


def test_who_trusts_a_file_ends_at_the_limits():
    (how,) = campaign("careless", "dense.xlsx").values()
    assert how not in SOUND
