"""Behind deploy/nginx.conf: public pages are kept by nginx, nothing personal ever is, and nobody can poison them."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from objections import receipts
from tests.make import make_notice, make_user, withdraw
from tests.test_objection_form import send, token_of, url
from tests.test_workers import database_url

HOST = "gongshi.example"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def configuration(folder: Path, port: int) -> str:
    """The configuration as it is deployed, on a port and with files of the test's own."""
    site = (django_settings.BASE_DIR / "deploy" / "nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/portal/\S+\.pem", str(folder / "site.pem"), site)
    site = re.sub(r" *listen \[::\].*\n", "", site)
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}").replace(
        "listen 80", f"listen 127.0.0.1:{free_port()}"
    )
    site = site.replace("/run/portal/web.sock", str(folder / "web.sock")).replace("/var/cache/nginx", str(folder))
    user = "user root;" if os.geteuid() == 0 else ""  # who may read the test's folder
    paths = "".join(
        f"{each}_temp_path {folder}/{each}; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {paths}{site} }}"
    )


class Site:
    """The portal behind nginx."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers):
        """(status, headers, text) of one request."""
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=60)
        said = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            said["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, said)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        return answer.status, answer.headers, text

    def kept(self) -> str:
        """All that nginx has kept."""
        files = [path for path in (self.folder / "portal").rglob("*") if path.is_file()]
        return "".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.fixture
def site(transactional_db, tmp_path):
    if not NGINX:
        pytest.skip("no nginx on this machine")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    made = subprocess.run([*make, "-keyout", "-", "-out", "-"], check=True, capture_output=True)
    (tmp_path / "site.pem").write_bytes(made.stdout)
    found = Site(tmp_path)
    (tmp_path / "nginx.conf").write_text(configuration(tmp_path, found.port))
    own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": database_url(), "DEBUG": "1"}
    own |= {"SITE_URL": f"https://{HOST}", "ALLOWED_HOSTS": HOST, "TRUSTED_PROXIES": "unix"}
    own |= {"STAMP_PATH": django_settings.STAMP_PATH, "EMAIL_URL": "memorymail://"}
    web = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"unix:{tmp_path / 'web.sock'}", "--threads", "4"]
    started = [
        subprocess.Popen([*web, "--no-control-socket"], cwd=django_settings.BASE_DIR, env=os.environ | own),
        subprocess.Popen([NGINX, "-c", str(tmp_path / "nginx.conf")]),
    ]
    try:
        for _ in range(600):
            if (tmp_path / "web.sock").exists() and found_answers(found):
                break
            time.sleep(0.1)
        yield found
    finally:
        for process in started:
            process.terminate()
            process.wait()


def found_answers(site: Site) -> bool:
    try:
        return site.ask("/health/live")[0] == 200
    except OSError:
        return False


def test_personal_pages_are_never_kept(site, client):
    notice, officer = make_notice(), make_user("canary-officer", is_superuser=True)
    assert notice.title in site.ask(f"/notices/{notice.reference}/")[2]
    assert notice.title in site.kept()  # the control

    form = site.ask(url(notice))[2]
    token = re.search(r'name="token" value="([^"]+)"', form)[1]
    sent = token_of(client.get(url(notice)))
    assert send(client, notice, sent).status_code == 303
    code = receipts.code_for(sent)
    cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items())
    assert code in site.ask("/objections/received/", Cookie=cookies)[2]
    tracking = site.ask(
        "/objections/track/", "POST", f"code={code}", Referer=f"https://{HOST}/", Origin=f"https://{HOST}"
    )
    assert "垃圾" in tracking[2] or code in tracking[2]
    client.force_login(officer)
    session = f"__Host-sessionid={client.cookies['sessionid'].value}"
    site.ask("/admin/", Cookie=session)
    for path in ("/objections/received/x.css", "/objections/track/x.css", f"{url(notice)}x.css", "/admin/x.js"):
        assert site.ask(path, Cookie=f"{cookies}; {session}")[0] in (302, 404)
        assert site.ask(path)[0] in (302, 404)
    site.ask(f"/objections/received/?x=.css&code={code}", Cookie=cookies)
    kept = site.kept()
    for canary in (code, token, "canary-officer", "王小明", "csrfmiddlewaretoken"):
        assert canary not in kept


def test_nobody_poisons_what_others_read(site):
    path = f"/notices/{make_notice().reference}/"
    for headers in (
        {"Host": "evil.example"},
        {"Host": f"{HOST}:evil"},
        {"X_Forwarded_Host": "evil.example"},
        {"X_Forwarded_Proto": "http", "X_Forwarded_For": "evil.example"},
        {"X_Original_URL": "/evil", "X_Rewrite_URL": "/evil"},
        {"Accept_Language": "evil", "User_Agent": "evil", "Cookie": "evil=evil"},
    ):
        site.ask(path, **headers)
        status, _, text = site.ask(path)
        assert status == 200
        assert "evil" not in text
    assert "evil" not in site.kept()


def test_an_act_is_seen_through_nginx(site):
    notice = make_notice()
    path = f"/notices/{notice.reference}/"
    assert "责任单位写错" not in site.ask(path)[2]
    withdraw(notice)
    for _ in range(100):  # nginx keeps a page for a second
        if "责任单位写错" in site.ask(path)[2]:
            break
        time.sleep(0.1)
    assert "责任单位写错" in site.ask(path)[2]
