"""People at browsers who have nothing to do with each other: citizens, and staff who have logged in."""

import pytest
from django.test import Client

from tests import make
from tests.browser.test_pages import is_home


def is_complaint(said) -> bool:
    """An error on the console; not the browser's own note of an answer that is one on purpose."""
    return said.type == "error" and "the server responded with a status of 4" not in said.text


@pytest.fixture
def visitor(browser, live_server):
    """Makes pages of people who have nothing to do with each other; in the end nothing may have gone wrong on any."""
    contexts, wrong = [], []

    def visit(scripts: bool = True):
        contexts.append(browser.new_context(base_url=live_server.url, java_script_enabled=scripts))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if is_complaint(said) else None)
        page.on("request", lambda sent: None if is_home(sent.url, live_server.url) else wrong.append(sent.url))
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def at_work(visitor):
    """Makes the page of somebody with a role, who has logged in already."""

    def sit_down(username: str, role: str, scripts: bool = True, **fields):
        client = Client()  # one for each: a second login would end the first
        client.force_login(make.make_member(username, role, **fields))
        page = visitor(scripts)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "domain": "localhost", "path": "/"}
        page.context.add_cookies([cookie])
        page.goto("/admin/")
        return page

    return sit_down
