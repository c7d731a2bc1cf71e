"""A window is whole days in Asia/Shanghai, right to the microsecond, whatever time zone the server runs in."""

import datetime
import random
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from notices.models import State
from tests.make import make_notice

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENS, CLOSES = datetime.date(2025, 4, 30), datetime.date(2025, 5, 16)
MICROSECOND = datetime.timedelta(microseconds=1)


def midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=SHANGHAI)


OPENING, CLOSING = midnight(OPENS), midnight(CLOSES + datetime.timedelta(days=1))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (OPENING - MICROSECOND, State.UPCOMING),
        (OPENING, State.OPEN),
        (CLOSING - MICROSECOND, State.OPEN),
        (CLOSING, State.CLOSED),
    ],
)
def test_the_state_changes_at_the_microsecond(client, moment, state):
    with time_machine.travel(OPENING - datetime.timedelta(days=5), tick=False):
        notice = make_notice(OPENS, CLOSES)
    with time_machine.travel(moment, tick=False):
        assert notice.state() == state
        assert f'data-state="{state}"' in client.get(f"/notices/{notice.reference}/").content.decode()


@pytest.mark.django_db
def test_random_instants_around_both_ends_are_judged_right():
    with time_machine.travel(OPENING - datetime.timedelta(days=5), tick=False):
        notice = make_notice(OPENS, CLOSES)
    chance = random.Random(20250516)
    for _ in range(5000):
        end = chance.choice([OPENING, CLOSING])
        moment = end + datetime.timedelta(microseconds=int(chance.gauss(0, 10 ** chance.randint(0, 10))))
        expected = State.UPCOMING if moment < OPENING else State.OPEN if moment < CLOSING else State.CLOSED
        assert notice.state(timezone.localdate(moment)) == expected, moment


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"])
def test_the_server_s_own_time_zone_changes_nothing(zone):
    script = (
        "import datetime, tests.settings, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "import django; django.setup()\n"
        "from django.utils import timezone\n"
        f"print(timezone.localdate(datetime.datetime.fromisoformat({CLOSING.isoformat()!r}) - datetime.timedelta(microseconds=1)))"
    )
    environment = {"TZ": zone, "PATH": "/usr/bin", "PYTHONPATH": "."}
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == str(CLOSES), result.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/notices/", "/notices/{reference}/", "/notices/{reference}.json", "/log/checkpoint"]
)
def test_no_kept_copy_is_shown_without_asking(client, path):
    notice = make_notice()
    response = client.get(path.format(reference=notice.reference))
    assert response.status_code == 200
    assert "no-cache" in response["Cache-Control"] or "no-store" in response["Cache-Control"]
