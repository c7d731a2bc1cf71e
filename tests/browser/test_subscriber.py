"""A subscriber's way in a real browser, with and without JavaScript: ask, confirm, be told, leave."""

import re

import pytest
from django.core import mail

from notices import digests
from notices.mail import send_due
from notices.models import Subscriber
from tests import make
from tests.browser.test_objector import MODES, plain, visitor  # noqa: F401 – fixtures
from tests.browser.test_pages import watched  # noqa: F401 – a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def link_sent(live_server) -> str:
    send_due()
    return live_server.url + re.search(r"http://testserver(/subscribe/\S+)", mail.outbox[-1].body)[1]


@pytest.mark.parametrize("visitor", MODES, indirect=True)
def test_the_way_of_a_subscriber(visitor, live_server):  # noqa: F811
    page, look = visitor
    make.make_notice()
    page.goto(f"{live_server.url}/notices/")
    page.get_by_role("link", name="有新公示时，用邮件通知我").click()
    look(page, "form")
    page.locator("#id_email").fill("陈")
    page.locator("#id_words").fill("清运")
    press(page, "订阅")
    page.get_by_role("alert").wait_for()
    look(page, "form with errors")
    assert page.locator("#id_words").input_value() == "清运"
    page.locator("#id_email").fill("chen@citizen.example")
    press(page, "订阅")
    page.wait_for_url("**/subscribe/sent/")
    look(page, "sent")
    page.goto(link_sent(live_server))
    look(page, "confirm")
    press(page, "确认订阅")
    page.get_by_role("heading", name="订阅已生效").wait_for()
    look(page, "confirmed")
    make.make_notice(title="新的公示", tasks=[])
    assert digests.queue_due() == 1
    page.goto(link_sent(live_server))
    look(page, "leave")
    press(page, "退订")
    page.get_by_role("heading", name="已经退订").wait_for()
    look(page, "left")
    assert not Subscriber.objects.exists()
