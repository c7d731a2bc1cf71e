"""Nothing acknowledged is lost and nothing is stored twice while workers are killed; the careless are found guilty."""

import pytest
from django.db import connection

from .crash import campaign
from .outages import is_sound

VENDOR = connection.vendor


def test_killed_workers_lose_nothing_and_double_nothing():
    pace = 0.9  # seconds; six posts each take longer than five kills, however fast the machine
    found = campaign(VENDOR, posts=120, clients=20, pace=pace, every=0.7, waits=False)
    assert is_sound(found), found
    assert found["acknowledged"] == 120
    assert found["web kills"] >= 5
    assert found["mail kills"] >= 2
    assert found["mails"] == 2 * found["stored"]
    assert found["mails twice beyond the kills"] == 0


@pytest.mark.parametrize(
    ("application", "defect"),
    [("thanks_first", "lost"), ("forgets_tokens", "duplicates"), ("keeps_tokens", None)],
)
def test_without_its_guard_the_portal_is_found_guilty(application, defect):
    place = f"tests.faults.careless:{application}"
    found = campaign(VENDOR, posts=24, clients=6, application=place, workers=1, every=1.0, waits=False, mails=False)
    guilty = {name for name in ("lost", "duplicates") if found[name]}
    assert guilty == ({defect} if defect else set()), found
