"""A signer changes its key: what was signed before stays valid."""
# ruff: noqa: F811

import pytest
from django.utils import timezone

from notices import transparency
from notices.models import (
    Checkpoint,
    LogEntry,
)
from tests.test_settings import PUBLIC, SECRETS, elsewhere, start  # noqa: F401 – a fixture
from tests.test_sign_log import NEXT, audited, memory, publish, refused, run  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db


# ---- a new key


def test_the_old_key_hands_over_to_the_new_one(settings, memory):
    old = settings.LOG_VERIFIER_KEY
    publish()
    held = transparency.parse(Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now()).note.encode()).short
    printed = run("--rotate")
    new = transparency.verifier_key("testserver", NEXT)
    assert new in printed
    assert audited(old, held=[held]).size == 2
    assert audited(new).size == 2
    publish()
    assert "签名密钥不是公示日志现在的密钥" in refused("--once")
    settings.LOG_SIGNING_KEY = NEXT
    run("--once")
    assert audited(old, held=[held, memory.note]).size == 3
    with pytest.raises(transparency.DoesNotFit):
        audited(transparency.verifier_key("testserver", transparency.make_signing_key()))


def test_what_waited_before_the_rotation_is_signed_by_the_old_key(settings):
    publish(2)
    run("--rotate")
    first, second = Checkpoint.objects.all()
    assert first.verified([transparency.VerifierKey.parse(settings.LOG_VERIFIER_KEY)]).size == 2
    assert second.verified([transparency.VerifierKey.parse(transparency.verifier_key("testserver", NEXT))]).size == 3


@pytest.mark.parametrize(("key", "says"), [("", "LOG_SIGNING_KEY_NEXT"), ("abc", "不是有效的签名密钥")])
def test_a_rotation_needs_a_new_key(settings, key, says):
    publish()
    settings.LOG_SIGNING_KEY_NEXT = key
    assert says in refused("--rotate")
    settings.LOG_SIGNING_KEY_NEXT = settings.LOG_SIGNING_KEY
    assert "相同" in refused("--rotate")
    assert not LogEntry.objects.filter(act="key").exists()
