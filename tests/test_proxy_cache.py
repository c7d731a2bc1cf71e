"""Behind deploy/nginx.conf: public pages are kept by nginx, nothing personal ever is, and nobody can poison them."""

import contextlib
import http.client
import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django_otp import DEVICE_ID_SESSION_KEY

from notices.models import PublicityNotice
from objections import receipts
from portal.models import Telephone
from tests.faults.processes import free_port, until
from tests.front import HOST, NGINX, configuration
from tests.make import make_notice, make_user, withdraw
from tests.test_objection_form import send, token_of, url
from tests.test_workers import database_url


class Site:
    """The portal behind nginx."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()

    def ask(self, path: str, method: str = "GET", body: str | bytes | None = None, **headers):
        """(status, headers, text) of one request."""
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=60)
        said = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            said.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection.request(method, path, body, said)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        return answer.status, answer.headers, text

    def kept(self) -> str:
        """All that nginx has kept."""
        files = [path for path in (self.folder / "portal").rglob("*") if path.is_file()]
        return "".join(path.read_bytes().decode(errors="replace") for path in files)


@contextlib.contextmanager
def serving(folder: Path, application: str = "portal.wsgi"):
    """That portal in gunicorn and nginx, on the test's database."""
    if not NGINX:
        pytest.skip("no nginx on this machine")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    made = subprocess.run([*make, "-keyout", "-", "-out", "-"], check=True, capture_output=True)
    (folder / "site.pem").write_bytes(made.stdout)
    found = Site(folder)
    (folder / "nginx.conf").write_text(configuration(folder, found.port, f"unix:{folder}/web.sock", tls=True))
    own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": database_url(), "DEBUG": "1"}
    own |= {"SITE_URL": f"https://{HOST}", "ALLOWED_HOSTS": HOST, "TRUSTED_PROXIES": "unix"}
    own |= {"STAMP_PATH": django_settings.STAMP_PATH, "EMAIL_URL": "memorymail://"}
    web = [sys.executable, "-m", "gunicorn", application, "--bind", f"unix:{folder / 'web.sock'}", "--threads", "4"]
    started = [
        subprocess.Popen([*web, "--no-control-socket"], cwd=django_settings.BASE_DIR, env=os.environ | own),
        subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf")]),
    ]
    try:
        until(lambda: (folder / "web.sock").exists() and found_answers(found), "nginx does not answer")
        yield found
    finally:
        for process in started:
            process.terminate()
            process.wait()


@pytest.fixture
def site(transactional_db, tmp_path):
    with serving(tmp_path) as found:
        yield found


def found_answers(site: Site) -> bool:
    try:
        return site.ask("/health/live")[0] == 200
    except OSError:
        return False


def journey(site: Site, client) -> tuple[str, list[str]]:
    """An objector and an officer use the site: their cookies, and the words that nobody else may ever read."""
    notice, officer = make_notice(), make_user("canary-officer", is_superuser=True)
    form = site.ask(url(notice))[2]
    token = re.search(r'name="token" value="([^"]+)"', form)[1]
    sent = token_of(client.get(url(notice)))
    assert send(client, notice, sent).status_code == 303
    code = receipts.code_for(sent)
    tracking = site.ask("/objections/track/", "POST", f"code={code}", Origin=f"https://{HOST}")[2]
    assert "垃圾" in tracking or code in tracking
    cookies = [f"{name}={cookie.value}" for name, cookie in client.cookies.items()]
    client.force_login(officer)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = Telephone.objects.create(user=officer).persistent_id
    session.save()
    cookies.append(f"__Host-sessionid={client.cookies['sessionid'].value}")
    return "; ".join(cookies), [code, token, "canary-officer", "王小明", "csrfmiddlewaretoken"]


DECEPTIONS = [
    *(
        "{0}",
        "{0}?x=.css",
        "{0}a.css",
        "{0}%2ecss",
        "{0};a.js",
        "{0}%3ba.png",
        "{0}%0aa.css",
        "{0}%23a.css",
        "{0}%3fa.css",
    ),
    *(
        "{0}..%2f..%2fstatic/a.css",
        "/static/..%2f..{0}",
        "/static/../..{0}",
        "/{0}",
        "/notices/..{0}",
        "/notices/%2e%2e{0}",
    ),
]


def test_personal_pages_are_never_kept_whatever_address_somebody_is_lured_to(site, client):
    cookies, canaries = journey(site, client)
    notice = PublicityNotice.objects.get()
    assert "canary-officer" in site.ask("/admin/auth/user/", Cookie=cookies)[2]
    assert canaries[0] in site.ask("/objections/received/", Cookie=cookies)[2]
    pages = (
        "/objections/received/",
        "/objections/track/",
        url(notice),
        "/admin/auth/user/",
        "/objections/received/receipt.txt",
    )
    for address in (lure.format(page) for page in pages for lure in DECEPTIONS):
        site.ask(address, Cookie=cookies)
        seen = site.ask(address)[2]
        assert not [each for each in canaries if each in seen and each != "csrfmiddlewaretoken"], address
    assert notice.title in site.ask(f"/notices/{notice.reference}/", Cookie=cookies)[2]
    assert notice.title not in site.kept()  # nothing that was made for somebody who is logged in
    assert notice.title in site.ask(f"/notices/{notice.reference}/")[2]
    kept = site.kept()
    assert notice.title in kept
    assert not [each for each in canaries if each in kept]


def test_a_portal_that_allows_keeping_everything_is_found_out(transactional_db, tmp_path, client):
    with serving(tmp_path, "tests.faults.careless:keeps_everything") as site:
        cookies, canaries = journey(site, client)
        receipt = cookies.partition(";")[0]
        assert canaries[0] in site.ask("/objections/received/", Cookie=receipt)[2]
        assert canaries[0] in site.ask("/objections/received/")[2]
        assert canaries[0] in site.kept()


POISONS = {
    "/": {"Host": f"{HOST}:evil"},
    "/notices/": {"X_Forwarded_Host": "evil.example", "X_Host": "evil.example", "X_Forwarded_Server": "evil.example"},
    "/rounds/": {"X_Forwarded_Proto": "http", "X_Forwarded_For": "evil.example", "X_Forwarded_Port": "666"},
    "/help/": {
        "X_Original_URL": "/evil",
        "X_Rewrite_URL": "/evil",
        "X_Forwarded_Prefix": "/evil",
        "X_Script_Name": "/evil",
    },
    "/privacy/": {"Forwarded": "host=evil.example;proto=http", "Via": "evil", "X_Forwarded_Scheme": "evil"},
    "/accessibility/": {"Accept_Language": "evil", "User_Agent": "evil", "Referer": "https://evil.example/"},
    "/log/": {"Cookie": "evil=evil; django_language=en; view=elder", "Accept": "evil/evil"},
    "/sitemap/": {"Accept_Encoding": "evil, gzip;q=0", "Range": "bytes=0-10", "If_None_Match": '"evil"'},
    "/feeds/notices.atom": {"Host": "evil.example"},
    "/en/": {"Host": HOST.upper(), "X_HTTP_Method_Override": "POST", "Authorization": "Basic evil"},
    "/notices/{0}/": {"X_Forwarded_Host": f"{HOST}.evil.example", "Origin": "https://evil.example"},
    "https://evil.example/notices/{0}/history/": {},
}


def test_nobody_poisons_what_others_read(site):
    """Each address is asked for by the poisoner first, so that what is kept, if anything, is the poisoner's."""
    reference = make_notice().reference
    for path, headers in POISONS.items():
        path = path.format(reference)
        site.ask(path, **headers)
        status, said, text = site.ask(path.removeprefix("https://evil.example"))
        assert status == 200, path
        assert "evil" not in text + str(said), path
        assert len(text) > 500, path
    assert "evil" not in site.kept()


def test_an_act_is_seen_through_nginx(site):
    notice = make_notice()
    path = f"/notices/{notice.reference}/"
    assert "责任单位写错" not in site.ask(path)[2]
    withdraw(notice)
    until(lambda: "责任单位写错" in site.ask(path)[2], "nginx still shows the page as it was", patience=10)
