"""What is installed is pinned and hashed, listed with its licences; no secret and no account comes with the code."""

import importlib.util
import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from portal import keys

from .test_settings import ROOT

spec = importlib.util.spec_from_file_location("inventory", ROOT / "deploy" / "inventory.py")
inventory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inventory)
LOCKED = inventory.locked(inventory.LOCK.read_text())


def pins(text: str) -> dict[str, str]:
    return {name.lower(): version for name, version in inventory.PIN.findall(text)}


def test_the_lock_holds_what_requirements_pin_and_hashes_for_all():
    wanted = pins((ROOT / "requirements.txt").read_text())
    assert len(wanted) > 10
    assert wanted.items() <= {name: version for name, (version, _) in LOCKED.items()}.items()
    assert all(digests for _, digests in LOCKED.values())


def test_the_manual_installs_from_the_lock():
    manual = (ROOT / "deploy" / "DEPLOY.md").read_text()
    installs = re.findall(r"pip (?:install|download)[^`\n]*", manual)
    assert len(installs) >= 3
    assert all("--require-hashes" in line and "deploy/requirements.lock" in line for line in installs), installs


def test_the_inventory_names_every_package_with_its_licence():
    found = inventory.sbom(LOCKED)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert {each["name"] for each in found["components"]} == set(LOCKED)
    unknown = [line for line in inventory.licences(LOCKED).splitlines() if inventory.UNKNOWN in line]
    assert len(unknown) <= len(LOCKED) // 4, unknown


# ---- secrets

SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bxox[baprs]-[\w-]{10,}|\bsk-[A-Za-z0-9]{32,}"
)
ASSIGNED = re.compile(
    r"(?i)(?:secret|key|token|password|passwd|signing)\w*[\"']?\s*[:=]+\s*[\"']?([A-Za-z0-9+/_=-]{24,})"
)
EXAMPLES = {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"}  # a public key, printed in a standard
FEW = 4.3  # bits a character: words and names have less, random keys more


def entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def secrets_in(text: str) -> list[str]:
    """What looks like a key: by its shape, or because it is assigned to one's name and is as random as one."""
    assigned = [each for each in ASSIGNED.findall(text) if entropy(each) > FEW and re.search(r"\d", each)]
    return [*SHAPES.findall(text), *({*assigned} - EXAMPLES)]


def test_no_tracked_file_holds_a_secret():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = listed.split("\0")[:-1] or [str(each) for each in ROOT.glob("**/*.py") if ".venv" not in each.parts]
    texts = {name: (ROOT / name).read_bytes().decode("utf-8", "ignore") for name in names if (ROOT / name).is_file()}
    found = {
        name: secrets_in(text) for name, text in texts.items() if Path(name).suffix not in (".png", ".mo", ".lock")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert len(texts) > 200
    assert not {".env", "var/demo.env"} & set(names)


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "LOG_SIGNING_KEY"])
def test_the_portal_s_own_keys_would_be_seen(name):
    assert secrets_in(f"{name}={keys.generate()[name]}\n")


def test_other_keys_would_be_seen():
    assert secrets_in("-----BEGIN RSA " + "PRIVATE KEY-----")
    assert secrets_in("x = 'AKIA" + "ABCDEFGHIJKLMNOP'")


@pytest.mark.django_db
def test_nobody_can_log_in_to_a_fresh_portal():
    """Migrations may make users for the record; none has a password."""
    assert not [user for user in get_user_model().objects.all() if user.has_usable_password()]
