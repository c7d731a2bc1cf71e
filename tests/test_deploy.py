"""What is under deploy/ fits the program: commands exist, settings are read, nginx takes its configuration."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANUAL = (DEPLOY / "DEPLOY.md").read_text()


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser["Service"]


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


def test_the_manual_names_units_settings_and_commands_that_exist():
    units = {path.name.removesuffix(".service") for path in DEPLOY.glob("systemd/*")}
    named = set(re.findall(r"(?<![/\w])portal-[a-z]+(?:\.timer)?", MANUAL))
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
    site = re.sub(r"/etc/ssl/portal/\S+\.pem", str(pem), site).replace("/var/cache/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}"
    )
    done = subprocess.run([nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- the manual's own commands, run from a bare folder to a restored site

# What a test cannot do: packages, users of the machine, services, what comes over the network, the real nginx.
LEFT_OUT = re.compile(r"apt-get|adduser|git clone|git pull|-m venv|pip install|systemctl|nginx")
REWRITTEN = [
    (r"runuser -u portal -- ", ""),
    (r" -o [\w-]+ -g portal", ""),
    (r"chgrp portal", "ls"),
    (r"/etc/portal", "etc"),
    (r"/var/backups", "backups"),
    (r"/var/lib/portal-signer", "signer"),
]


def commands(chapter: str) -> list[str]:
    """The commands of a chapter's block, a here-document with its text, but for those that are left out."""
    block = re.search(rf"^## {chapter}、.*?^```\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)[1]
    return [each for each in re.findall(r"(?m)^.*<<'END'\n(?:.*\n)*?END$|^.+$", block) if not LEFT_OUT.search(each)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Path:
    """A folder that stands for the machine: the code, and a Python that has what the lock file names."""
    folder = tmp_path_factory.mktemp("machine")
    left = shutil.ignore_patterns(".git", "var", ".env", "__pycache__", "tests", "pictures", ".ci", ".venv")
    shutil.copytree(ROOT, folder / "srv", ignore=left)
    (folder / "srv" / "etc").mkdir()
    python = folder / "srv" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return folder / "srv"


def run(machine: Path, *lines: str) -> str:
    script = "\n".join(["set -euo pipefail", *lines])
    for written, here in REWRITTEN:
        script = re.sub(written, here, script)
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(["bash", "-c", script], cwd=machine, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ENVIRONMENT = "set -a; . /etc/portal/portal.env; set +a"


def test_the_commands_of_the_manual_lead_from_nothing_to_a_site_that_was_backed_up_upgraded_and_restored(machine):
    run(machine, *commands("二"))
    assert (machine / "etc" / "portal.env").stat().st_mode & 0o777 == 0o640
    run(machine, *commands("三"))
    assert (machine / "var" / "static" / "staticfiles.json").exists()
    assert "一致" in run(machine, ENVIRONMENT, ".venv/bin/python manage.py audit_publication")
    assert "备份不含任何密钥" in run(machine, *commands("八"))
    (kept,) = (machine / "backups" / "portal").iterdir()
    restored = run(machine, *(line.replace("20260101-023000", kept.name) for line in commands("五")))
    assert "核对无误" in restored
    ask = ".venv/bin/python manage.py shell -v0 -c 'from django.contrib.auth.models import User; print(User.objects.get(username=\"admin\").is_superuser)'"
    assert run(machine, ENVIRONMENT, ask).strip() == "True"
    run(machine, *commands("六"))
    assert (machine / "signer").stat().st_mode & 0o777 == 0o700


def test_few_commands_of_the_manual_are_left_out():
    """And none that the portal itself answers for."""
    told = re.findall(r"^```\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)
    left = [line for block in told for line in block.splitlines() if LEFT_OUT.search(line)]
    assert not [line for line in left if "manage.py" in line]
    assert sum(len(commands(chapter)) for chapter in "二三五六八") >= 15
