"""The program that a journalist runs: its own Ed25519, the same findings as the portal's audit, clear answers."""

import ast
import dataclasses
import http.server
import importlib.util
import io
import json
import random
import shutil
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from notices import transparency as log
from tests.test_checkpoints import GO_KEY, GO_NOTE, GO_STRANGER, GO_TEXT
from tests.test_log_tampering import (
    CASES,
    EDITED,
    GOOD,
    KEPT,
    KEY,
    SHORT,
    SIGNED,
    Case,
    edition,
    long_log,
    outcome,
    seconds,
    sign,
    tamperings,
)

SCRIPT = Path(__file__).resolve().parent.parent / "static" / "portal" / "verify.py"

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}
# "Taming the many EdDSAs" (ed25519-speccheck): keys, messages, signatures at the edges, and what a strict verifier says.
EDGES = {
    "key and R of small order, S = 0": (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" + "00" * 32,
        False,
    ),
    "key of small order": (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        False,
    ),
    "mixed order, fits without the cofactor": (
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
        True,
    ),
    "mixed order, fits only with the cofactor": (
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
        False,
    ),
    "S above L": (
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
        False,
    ),
    "S far above L": (
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
        False,
    ),
    "R not canonical": (
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
        "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
        False,
    ),
}


def load():
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("verify_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_script"] = module
    spec.loader.exec_module(module)
    return module


verify = load()


def has_signed(public: str, message: str, signature: str) -> bool:
    return verify.has_signed(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


def openssl_says(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


# Ed25519


@pytest.mark.parametrize("name", RFC_8032)
def test_the_signatures_of_rfc_8032_verify(name):
    assert has_signed(*RFC_8032[name])


@pytest.mark.parametrize("name", RFC_8032)
def test_a_change_of_any_part_is_noticed(name):
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[name])
    for bit in (0, 100, 254, 255, 256, 400, 511):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify.has_signed(public, message, bytes(changed))
    assert not verify.has_signed(public, message + b"\0", signature)
    assert not verify.has_signed(bytes.fromhex(RFC_8032["TEST 1"][0]), b"other", signature)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        assert not verify.has_signed(public, message, wrong)


@pytest.mark.parametrize("name", EDGES)
def test_signatures_at_the_edges_are_judged_strictly(name):
    public, message, signature, fits = EDGES[name]
    assert has_signed(public, message, signature) is fits


def test_s_plus_l_is_the_same_signature_and_refused(monkeypatch):
    public, message, signature = RFC_8032["TEST 3"]
    s = int.from_bytes(bytes.fromhex(signature)[32:], "little") + verify.L
    again = signature[:64] + s.to_bytes(32, "little").hex()
    assert not has_signed(public, message, again)
    monkeypatch.setattr(verify, "L", 4 * verify.L)  # the control: the equation alone would take it
    assert has_signed(public, message, again)


def test_a_key_of_small_order_is_refused(monkeypatch):
    case = EDGES["key and R of small order, S = 0"][:3]
    monkeypatch.setattr(verify, "usable", lambda public: True)  # the control
    assert has_signed(*case)


@pytest.mark.parametrize("number", [2**255 - 19, 2**255 - 18, 2**255 - 16, 1 + 2**255, 2, 2**256 - 1])
def test_bytes_that_are_not_the_canonical_form_of_a_point_are_none(number):
    """y ≥ p, x = 0 with a sign, y off the curve."""
    assert verify.decoded(number.to_bytes(32, "little")) is None
    assert verify.decoded((3).to_bytes(32, "little")) is not None  # the point of which 2**255 - 16 is another form
    assert verify.decoded(bytes(31)) is None


def test_it_judges_as_openssl_does():
    chance = random.Random(8032)
    for _ in range(25):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = private.public_key().public_bytes_raw(), chance.randbytes(chance.randrange(100))
        signature = bytearray(private.sign(message))
        assert verify.has_signed(public, message, bytes(signature))
        signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
        assert verify.has_signed(public, message, bytes(signature)) == openssl_says(public, message, bytes(signature))


def test_the_note_of_another_implementation_is_opened():
    keys = [verify.read_key(GO_STRANGER), verify.read_key(GO_KEY)]
    assert verify.open_note(GO_NOTE, keys) == (GO_TEXT, keys[1:])
    assert verify.open_note(GO_NOTE, keys[:1]) == (GO_TEXT, [])
    with pytest.raises(verify.Unfit, match="签名无效"):
        verify.open_note(GO_NOTE.replace(b"your", b"Your"), keys)


# The same findings as the portal's own audit


def script_outcome(case: Case) -> tuple:
    """As `outcome`, but by the program."""
    held = [kept if isinstance(kept, bytes) else kept.encode() for kept in case.held]
    try:
        verify.audit(case.lines, case.signed, [verify.read_key(key) for key in case.keys], held, case.editions)
    except verify.Unfit as error:
        return False, error.sequence, error.within
    return True, None, None


BY_DIGEST = "edition by its digest"  # the program goes by what a file says of itself, not by its name


@pytest.mark.parametrize("name", sorted(CASES.keys() - {BY_DIGEST}))
def test_the_program_finds_what_the_audit_finds(name):
    assert script_outcome(CASES[name]) == outcome(CASES[name]) == (CASES[name].fits, CASES[name].at, CASES[name].among)


def test_the_program_agrees_on_generated_tamperings_with_and_without_what_was_held():
    for tampering in tamperings(1500)[::12]:
        for case in (tampering.case, dataclasses.replace(tampering.case, held=())):
            assert script_outcome(case) == outcome(case)


ODD_LINES = [
    b"",
    b"[]",
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","sequence":0.0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","sequence":false}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":1e3,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":12345678901234567,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":1234567890123456,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":Infinity,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":"\\ud800","sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":"\xe2\x80\xa8","sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":[null],"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","detail":null,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000+00:00Z","sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00Z","sequence":0}',
    b'{"act":"x","at":"9999-01-05T01:00:00.000000Z","sequence":0}',
    b'{"act":"x","at":0,"sequence":0}',
    b'{"act":0,"at":"2026-01-05T01:00:00.000000Z","sequence":0}',
    b'{"act":"\\n","at":"2026-01-05T01:00:00.000000Z","sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","reference":"","sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","edition":0,"sequence":0}',
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","digest":"%s","sequence":0}' % (b"a" * 64),
    b'{"act":"x","at":"2026-01-05T01:00:00.000000Z","digest":"%s","sequence":0}' % (b"A" * 64),
    b'{"act":"key","at":"2026-01-05T01:00:00.000000Z","detail":{"statement":"none"},"sequence":0}',
    b'{"act":"key","at":"2026-01-05T01:00:00.000000Z","detail":{"key":"none"},"sequence":0}',
]


@pytest.mark.parametrize("line", ODD_LINES)
def test_the_program_agrees_on_odd_lines(line):
    case = Case([line], sign([line]))
    assert script_outcome(case) == outcome(case)


# Without the guard, what it alone finds would pass.
GUARDS = [
    ("read_entry", json.loads, "not canonical, signed"),
    ("read_entries", lambda lines: [verify.read_entry(line) for line in lines], "dropped, signed"),
    ("read_entries", lambda lines: [verify.read_entry(line) for line in lines], "out of time, signed"),
    ("has_signed", lambda *arguments: True, "forged signature"),
    ("has_signed", lambda *arguments: True, "key changed by a spoilt statement"),
    ("check_tree", lambda *arguments: None, "edited"),
    ("check_tree", lambda *arguments: None, "fork"),
    ("check_tree", lambda *arguments: None, "rolled back"),
    ("check_times", lambda *arguments: None, "dated back behind a held checkpoint"),
    ("check_times", lambda *arguments: None, "dated after its checkpoint"),
    ("edition_entry", lambda *arguments: None, "edition"),
    ("keys_at", lambda size, entries, keys: keys, "key changed, signed by the old one"),
]


@pytest.mark.parametrize(("name", "without", "case"), GUARDS)
def test_without_its_guard_each_would_pass(name, without, case, monkeypatch):
    assert not script_outcome(CASES[case])[0]
    monkeypatch.setattr(verify, name, without)
    assert script_outcome(CASES[case])[0]


# The program itself


def run(folder: Path, *arguments: object, script: Path = SCRIPT) -> tuple[int, str]:
    """Exit status, and what it printed."""
    command = [sys.executable, "-I", str(script), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
    assert b"Traceback" not in done.stderr
    return done.returncode, (done.stdout + done.stderr).decode()


def saved(folder: Path, case: Case) -> list[str]:
    """The case as files, and the arguments that name them."""
    (folder / "entries").write_bytes(b"".join(line + b"\n" for line in case.lines))
    (folder / "checkpoint").write_bytes(case.signed)
    arguments = ["entries", "checkpoint"]
    for key in case.keys:
        arguments += ["--key", key]
    for number, kept in enumerate(case.held):
        if isinstance(kept, bytes):
            (folder / f"held{number}").write_bytes(kept)
        arguments += ["--held", kept if isinstance(kept, str) else f"held{number}"]
    for name, content in case.editions.items():
        (folder / name).write_bytes(content)
        arguments += ["--edition", name]
    return arguments


@pytest.mark.parametrize("name", sorted(CASES.keys() - {BY_DIGEST}))
def test_the_exit_status_and_the_first_entry(name, tmp_path):
    case = CASES[name]
    status, printed = run(tmp_path, *saved(tmp_path, case))
    assert status == (0 if case.fits else 1)
    assert ("核验通过：" if case.fits else "核验不通过。") in printed
    if case.at is not None:
        assert f"第一条不符的记录：序号 {case.at}。" in printed
    if case.among:
        assert f"序号 {case.among[0]} 至 {case.among[1] - 1} 的记录中有改动或缺失，无法断定是哪一条。" in printed


def test_a_good_log_is_described_with_what_cannot_be_seen(tmp_path):
    _, printed = run(tmp_path, *saved(tmp_path, CASES["good"]))
    assert f"检查点短行：{log.parse(SIGNED).short}" in printed
    assert "没有提供旧检查点" in printed
    _, printed = run(tmp_path, *saved(tmp_path, CASES["good, with everything"]))
    assert f"旧检查点 {SHORT}：与现在的前 40 条记录一致。" in printed
    assert "文件“a.json”：2026-0007 第 1 版，序号 7，2026-01-05T01:07:00.000000Z。" in printed
    assert "没有提供旧检查点" not in printed


def test_the_key_may_lie_beside_the_program(tmp_path):
    script = Path(shutil.copy(SCRIPT, tmp_path))
    arguments = saved(tmp_path, CASES["good"])[:2]
    status, printed = run(tmp_path, *arguments, script=script)
    assert status == 2
    assert "请用 --key 给出核验公钥" in printed
    (tmp_path / "log.key").write_text(GO_KEY + "\n" + KEY + "\n")
    assert run(tmp_path, *arguments, script=script)[0] == 0
    assert run(tmp_path, *arguments, "--key", tmp_path / "log.key")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["entries"],
        ["entries", "checkpoint"],
        ["entries", "checkpoint", "--key", "nothing"],
        ["entries", "checkpoint", "--key", KEY[:-1]],
        ["entries", "nothing", "--key", KEY],
        ["entries", "checkpoint", "--key", KEY, "--held", "nothing"],
        ["entries", "checkpoint", "--key", KEY, "--edition", "nothing"],
        ["entries", "checkpoint", "--key", KEY, "--unknown"],
        ["entries", "checkpoint", "--key", KEY, "--url", "http://localhost"],
        ["--url", "file:///etc/passwd", "--key", KEY],
        ["--url", "http://127.0.0.1:9", "--key", KEY],
    ],
)
def test_wrong_usage_is_neither_good_nor_bad(arguments, tmp_path):
    saved(tmp_path, CASES["good"])
    status, printed = run(tmp_path, *arguments)
    assert status == 2
    assert "核验通过" not in printed
    assert "核验不通过" not in printed


class Site(http.server.BaseHTTPRequestHandler):
    """The pages of the log, 25 entries a page, two entries more than the checkpoint covers."""

    lines = GOOD

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/log/checkpoint":
            body = sign(GOOD, 58)
        elif address.path == "/log/entries":
            start = int(urllib.parse.parse_qs(address.query)["start"][0])
            body = b"".join(line + b"\n" for line in self.lines[start : start + 25])
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("lines", "status"), [(GOOD, 0), (EDITED, 1), (GOOD[:30], 1), ([], 1)])
def test_a_site_is_read_page_by_page(site, tmp_path, monkeypatch, lines, status):
    monkeypatch.setattr(Site, "lines", lines)
    assert run(tmp_path, "--url", site + "/", "--key", KEY, "--held", SHORT)[0] == status
    assert run(tmp_path, "--url", site + "/elsewhere", "--key", KEY)[0] == 2


def test_a_console_without_chinese_does_not_change_the_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = saved(tmp_path, CASES["good"])
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    assert verify.main(arguments) == 0


def test_it_is_python_3_8_and_needs_nothing_else():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n    case 1: pass", feature_version=(3, 8))


def test_ten_thousand_entries_take_little_longer_than_reading_them():
    lines = long_log(10_000)
    keys, signed = [verify.read_key(KEY)], sign(lines)
    naive = seconds(lambda: [json.loads(line) for line in lines])
    checked = seconds(lambda: verify.audit(lines, signed, keys, [KEPT], {"a.json": edition(3)}))
    print(f"verify.py, 10,000 entries: {checked:.3f} s, reading them: {naive:.3f} s")
    assert checked < 25 * naive
