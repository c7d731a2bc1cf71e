"""What is under deploy/ fits the program: commands exist, settings are read, nginx takes its configuration."""

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.utils import timezone

from tests.faults.processes import until
from tests.front import HOST, NGINX, configuration
from tests.hostile import PDF
from tests.make import DAY
from tests.test_attachments import BOUNDARY, multipart
from tests.test_objection_form import GOOD
from tests.test_proxy_cache import Site, found_answers

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANUAL = (DEPLOY / "DEPLOY.md").read_text()


def unit(path: Path, section: str = "Service") -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser[section]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_command_that_exists(path):
    words = unit(path)["ExecStart"].split()
    if "gunicorn" in words[0]:
        assert words[1] == "portal.wsgi"
        return
    name, arguments = words[2], words[3:]
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_has_the_least_privileges(path):
    service = unit(path)
    assert service["NoNewPrivileges"] == service["ProtectHome"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] != "root"


def said_of_units(folder: Path, written: str = "", instead: str = "") -> str:
    """What systemd itself has to say of the units, with something written otherwise in each."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd on this machine")
    for path in (DEPLOY / "systemd").iterdir():
        text = re.sub(r"/srv/portal/\.venv/bin/\w+", "/bin/true", path.read_text()).replace("/srv/portal", "/tmp")
        (folder / path.name).write_text(text.replace(written, instead) if written else text)
    done = subprocess.run(["systemd-analyze", "verify", *folder.iterdir()], capture_output=True, text=True)
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    assert said_of_units(tmp_path) == ""


@pytest.mark.parametrize(("written", "instead"), [("ProtectClock=", "ProtectClok="), ("Requires=portal", "Requires=x")])
def test_systemd_finds_what_is_wrong(tmp_path, written, instead):
    assert said_of_units(tmp_path, written, instead)


def test_the_manual_names_units_settings_and_commands_that_exist():
    units = {path.name.removesuffix(".service") for path in DEPLOY.glob("systemd/*")}
    named = set(re.findall(r"(?<![/\w])portal-[a-z]+(?:\.timer|\.socket)?", MANUAL))
    assert named <= units
    assert set(re.findall(r"manage\.py (\w+)", MANUAL)) <= set(get_commands())
    source = (ROOT / "portal" / "settings.py").read_text()
    example = MANUAL.split("<<'END'")[1].split("END")[0]
    assert len(example.split()) >= 7
    for name in re.findall(r"^([A-Z_]+)=", example, re.M):
        assert f'"{name}"' in source or f"{name} =" in source, name


def test_nginx_takes_the_configuration(tmp_path):
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        pytest.skip("no nginx on this machine")
    pem = tmp_path / "site.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=gongshi.example"]
    subprocess.run([*make, "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")], check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/portal/\S+\.pem", str(pem), site).replace("/var/lib/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}"
    )
    done = subprocess.run([nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- the manual's own commands, run from a bare folder to a restored site

# What a test cannot do: packages, users of the machine, services, what comes over the network, the real nginx.
LEFT_OUT = re.compile(r"apt-get|adduser|git clone|git pull|-m venv|pip install|systemctl|nginx")
ROOT_HERE = os.geteuid() == 0
PORTAL, SIGNER = 64001, 64002  # users that no machine has; root becomes them
# They may look into any folder, for the Python that runs the tests may lie in somebody's home; write they may not.
LOOKING = "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
BECOME = f"setpriv --reuid={PORTAL} --regid={PORTAL} --clear-groups {LOOKING} " if ROOT_HERE else ""
OWNED = [
    (r"-o portal-signer\b", f"-o {SIGNER}"),
    (r"-o portal\b", f"-o {PORTAL}"),
    (r"-g portal\b", f"-g {PORTAL}"),
    (r"chgrp portal\b", f"chgrp {PORTAL}"),
]
REWRITTEN = [
    *(OWNED if ROOT_HERE else [(r" -o [\w-]+ -g portal", ""), (r"chgrp portal", "ls")]),
    (r"runuser -u portal -- ", BECOME),
    (r"/srv/portal", "{0}"),
    (r"/etc/portal", "{0}/etc"),
    (r"/var/www/portal", "{0}/www"),
    (r"/var/backups", "{0}/backups"),
    (r"/var/lib/portal-signer", "{0}/signer"),
]


def commands(chapter: str) -> list[str]:
    """The commands of a chapter's block, a here-document with its text, but for those that are left out."""
    block = re.search(rf"^## {chapter}、.*?^```\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)[1]
    return [each for each in re.findall(r"(?m)^.*<<'END'\n(?:.*\n)*?END$|^.+$", block) if not LEFT_OUT.search(each)]


@pytest.fixture(scope="module")
def machine():
    """A folder that stands for the machine: the code, and a Python that has what the lock file names; configured and
    ready to be started as the manual says."""
    folder = Path(tempfile.mkdtemp(prefix="portal-machine-"))
    folder.chmod(0o755)
    left = shutil.ignore_patterns(".git", "var", ".env", "__pycache__", "tests", "pictures", ".ci", ".venv")
    machine = shutil.copytree(ROOT, folder / "srv", ignore=left)
    (machine / "etc").mkdir()
    programs = machine / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, started in (("python", ""), ("gunicorn", "-m gunicorn ")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {started}"$@"\n')
        (programs / name).chmod(0o755)
    run(machine, "umask 022; chmod -R go+rX .", *commands("二"))
    run(machine, "umask 022", *commands("三"))
    yield machine
    shutil.rmtree(folder)


def here(machine: Path, script: str) -> str:
    for written, instead in REWRITTEN:
        script = re.sub(written, instead.format(machine), script)
    strays = re.findall(r"(?<![\w.:~/-])/(?!dev/null\b)\w[^\s'\"]*", script.replace(str(machine.parent), "~"))
    assert strays == []  # a line of the manual that would reach the machine which runs the tests
    return script


def test_no_command_of_the_manual_reaches_the_machine_that_runs_the_tests():
    assert here(Path("/tmp/a/b"), "mv /srv/portal/var /var/backups/old 2>/dev/null")
    with pytest.raises(AssertionError, match="/var/lib"):
        here(Path("/tmp/a/b"), "rm -r /var/lib/new")


def run(machine: Path, *lines: str) -> str:
    script = here(machine, "\n".join(["set -euo pipefail", *lines]))
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(["bash", "-c", script], cwd=machine, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ENVIRONMENT = "set -a; . /etc/portal/portal.env; set +a"


class Installed(Site):
    """The site as its units and nginx's configuration start it: gunicorn as the user portal on a socket that is there
    before and after it, nginx in front as www-data."""

    def __init__(self, machine: Path):
        super().__init__(Path(tempfile.mkdtemp(dir=machine.parent)))
        self.machine = machine
        self.folder.chmod(0o755)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.folder / "web.sock"))
        said = unit(DEPLOY / "systemd" / "portal-web.socket", "Socket")
        (self.folder / "web.sock").chmod(int(said["SocketMode"], 8))
        shutil.chown(self.folder / "web.sock", said["SocketUser"])
        self.socket.listen()

    def start_web(self) -> None:
        said = unit(DEPLOY / "systemd" / "portal-web.service")
        activated = f"exec 3<&{self.socket.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; umask {said['UMask']}"
        script = here(self.machine, f"{ENVIRONMENT}; {activated}; exec {BECOME}{said['ExecStart']}")
        clean = {"PATH": os.environ["PATH"], "DEBUG": "0"}
        kept = [self.socket.fileno()]
        self.web = subprocess.Popen(["bash", "-c", script], cwd=self.machine, env=clean, pass_fds=kept)

    def __enter__(self):
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        made = subprocess.run([*make, "-keyout", "-", "-out", "-"], check=True, capture_output=True)
        (self.folder / "site.pem").touch(0o600)
        (self.folder / "site.pem").write_bytes(made.stdout)
        told = configuration(self.folder, self.port, f"unix:{self.folder}/web.sock", tls=True, user="www-data")
        told = told.replace(f"{self.folder}/static/", f"{self.machine}/www/").replace(f"{ROOT}/", f"{self.machine}/")
        (self.folder / "nginx.conf").write_text(told)
        self.start_web()
        self.nginx = subprocess.Popen([NGINX, "-c", str(self.folder / "nginx.conf")])
        until(lambda: found_answers(self), "nginx does not answer")
        return self

    def __exit__(self, *error):
        for process in (self.nginx, self.web):
            process.terminate()
            process.wait()
        self.socket.close()

    def object(self, reference: str, **files: bytes) -> int:
        """The status of an objection with these files."""
        form = self.ask(f"/notices/{reference}/object/")[2]
        token = re.search(r'name="token" value="([^"]+)"', form)[1]
        body = multipart(GOOD | {"token": token, "concerns": ""}, files.items())
        said = {"Content_Type": f"multipart/form-data; boundary={BOUNDARY}", "Origin": f"https://{HOST}"}
        return self.ask(f"/notices/{reference}/object/", "POST", body, **said)[0]


def published(machine: Path) -> str:
    """The reference of a notice that is open now."""
    first = timezone.localdate()
    told = f"--organisation 370300 --create --mailbox office@example.org --publish --window {first} {first + 20 * DAY}"
    file = shutil.copy(ROOT / "tests" / "notices" / "other-headings.txt", machine / "www" / "notice.txt")
    done = run(machine, ENVIRONMENT, f"runuser -u portal -- .venv/bin/python manage.py import_notice {file} {told}")
    return re.search(r"^\d{4}-\d{4}$", done, re.M)[0]


def may(access: str, path: Path, groups: str = "--clear-groups") -> bool:
    """Whether the user of nginx may read ("-r") or write ("-w") it."""
    become = ["setpriv", "--reuid=www-data", "--regid=www-data", groups]
    return subprocess.run([*become, "test", access, str(path)]).returncode == 0


@pytest.mark.skipif(not (ROOT_HERE and NGINX), reason="needs nginx, and root, who can be two users")
def test_the_site_is_served_by_a_nginx_that_may_read_nothing_of_it_but_styles_and_scripts(machine):
    reference = published(machine)
    with Installed(machine) as site:
        home = site.ask("/")[2]
        for address in re.findall(r'"(/static/[^"]+\.(?:css|js))"', home):
            status, said, _ = site.ask(address)
            assert (status, said["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        assert site.object(reference, **{"照片.pdf": PDF[:9] + b"%" + b"x" * 3_000_000 + b"\n" + PDF[9:]}) == 303
        kept = [path for path in (machine / "var" / "media").rglob("*") if path.is_file()]
        private = [machine / "etc" / "portal.env", *(machine / "var").glob("*.sqlite3*"), *kept, machine / "var"]
        private += [machine / "backups" / "portal", machine / "backups" / "portal-keyring", site.folder / "site.pem"]
        assert len(kept) == 1
        assert len(private) >= 8
        assert not [path for path in private if may("-r", path) or may("-w", path)]
        public = [machine / "www" / "staticfiles.json", machine / "templates" / "unavailable.html"]
        assert [may("-r", path) for path in public] == [True, True]
        assert not [path for path in public if may("-w", path)]
        assert may("-r", machine / "var" / "portal.sqlite3", f"--groups={PORTAL}")  # had it been put into that group

        site.web.terminate()  # as it is when the portal is upgraded
        site.web.wait()
        found = []
        waiting = threading.Thread(target=lambda: found.append(site.ask("/health/live")[0]))
        waiting.start()
        site.start_web()
        waiting.join(60)
        assert found == [200]


def test_the_commands_of_the_manual_lead_to_a_site_that_was_backed_up_upgraded_and_restored(machine):
    assert (machine / "etc" / "portal.env").stat().st_mode & 0o777 == 0o640
    assert (machine / "www" / "staticfiles.json").exists()
    assert "一致" in run(machine, ENVIRONMENT, ".venv/bin/python manage.py audit_publication")
    assert "备份不含任何密钥" in run(machine, *commands("八"))
    (kept,) = (machine / "backups" / "portal").iterdir()
    restored = run(machine, *(line.replace("20260101-023000", kept.name) for line in commands("五")))
    assert "核对无误" in restored
    if ROOT_HERE and NGINX:
        with Installed(machine) as site:
            assert [site.ask(path)[0] for path in ("/", "/notices/", "/health/ready")] == [200] * 3
    ask = ".venv/bin/python manage.py shell -v0 -c 'from django.contrib.auth.models import User; print(User.objects.get(username=\"admin\").is_superuser)'"
    assert run(machine, ENVIRONMENT, ask).strip() == "True"
    run(machine, *commands("六"))
    assert (machine / "signer").stat().st_mode & 0o777 == 0o700
    as_told = "(cat /etc/portal/portal.env; echo LOG_SIGNER=external; echo LOG_SIGNER_STATE=/var/lib/portal-signer/checkpoint)"
    run(machine, f"{as_told} > /etc/portal/signer.env")
    signing = f"umask 007; {BECOME.replace(f'--reuid={PORTAL}', f'--reuid={SIGNER}')}.venv/bin/python manage.py sign_log --once"
    assert "核验公钥" in run(machine, ENVIRONMENT.replace("portal.env", "signer.env"), signing)


def test_few_commands_of_the_manual_are_left_out():
    """And none that the portal itself answers for."""
    told = re.findall(r"^```\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)
    left = [line for block in told for line in block.splitlines() if LEFT_OUT.search(line)]
    assert not [line for line in left if "manage.py" in line]
    assert sum(len(commands(chapter)) for chapter in "二三五六八") >= 15
