"""Signed notes, their keys, checkpoints with their short lines, and the change of a key."""

import base64
import dataclasses
import datetime

import pytest

from notices import transparency as log
from notices.transparency import notes
from tests.test_transparency import ENTRY, LINES, NODE, naive_root

# The key pair and note of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_STRANGER = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
GO_SIGNING_KEY = base64.b64encode(base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]).decode()
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
# The examples of c2sp.org/signed-note and c2sp.org/tlog-checkpoint; their public keys are not published.
POEM = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
""".encode()
SOFA = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
""".encode()

ORIGIN = "log.test.example/notices"
SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
KEY = log.verifier_key(ORIGIN, SIGNING_KEY)
NEXT_SIGNING_KEY = base64.b64encode(bytes(range(32, 64))).decode()
NEXT_KEY = log.verifier_key(ORIGIN, NEXT_SIGNING_KEY)
AT = datetime.datetime(2026, 3, 5, 4, 5, 6, 7, tzinfo=datetime.UTC)


def test_a_note_of_another_implementation_is_opened_and_signed_byte_for_byte():
    assert log.open_note(GO_NOTE, [GO_STRANGER, GO_KEY]) == (GO_TEXT, [log.VerifierKey.parse(GO_KEY)])
    assert log.verifier_key("PeterNeumann", GO_SIGNING_KEY) == GO_KEY
    assert log.sign_note(GO_TEXT, "PeterNeumann", GO_SIGNING_KEY) == GO_NOTE


def test_the_examples_of_the_specifications_are_read():
    assert notes.split_note(POEM)[0].endswith("\n\ned è subito sera.\n")
    assert log.parse(SOFA) == log.Checkpoint(
        "example.com/behind-the-sofa", 20852163, base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    )


def test_an_altered_note_is_refused_and_so_is_one_by_strangers(monkeypatch):
    altered_note = GO_NOTE.replace(b"cryptography", b"cryptographY")
    with pytest.raises(log.BadSignature):
        log.open_note(altered_note, [GO_KEY])
    with pytest.raises(log.UnknownKey):
        log.open_note(GO_NOTE, [GO_STRANGER])
    monkeypatch.setattr(log.VerifierKey, "has_signed", lambda *arguments: True)
    assert log.open_note(altered_note, [GO_KEY])


def test_signatures_by_strangers_are_ignored_and_one_wrong_one_by_a_known_key_spoils_the_note():
    both = log.sign_note("text\n", ORIGIN, SIGNING_KEY, NEXT_SIGNING_KEY)
    assert len(log.open_note(both, [KEY])[1]) == 1
    assert len(log.open_note(both, [KEY, NEXT_KEY])[1]) == 2
    _, second = both.split(b"\n")[2:4]
    spoilt = both.replace(second, second[:-8] + b"AAAAAAA=")
    assert log.open_note(spoilt, [KEY])
    with pytest.raises(log.BadSignature):
        log.open_note(spoilt, [KEY, NEXT_KEY])


def test_the_length_of_a_signature_is_part_of_it():
    key = log.VerifierKey.parse(KEY)
    for length in (0, 1, 63, 65):
        assert not key.has_signed("text\n", bytes(length))


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        GO_NOTE[:-1],
        GO_NOTE + b"\n",
        GO_NOTE.replace(b"\n", b"\r\n"),
        GO_NOTE.replace("—".encode(), b"-"),
        GO_NOTE.replace(b"PeterNeumann ", b"PeterNeumann  "),
        GO_NOTE.replace(b"PeterNeumann", b"Peter+Neumann"),
        GO_NOTE.replace(b"PeterNeumann", b"Peter Neumann"),
        GO_NOTE.replace(b"=\n", b"\n"),
        GO_NOTE.replace(b"nAM=", b"nAN="),
        GO_NOTE.replace(b"cryptography", b"\xff"),
        GO_NOTE.replace(b"cryptography", b"\t"),
        b"x" * (1 << 20) + GO_NOTE,
    ],
)
def test_what_is_not_a_signed_note_is_refused(note):
    with pytest.raises(log.BadNote):
        notes.split_note(note)


def raw_key(public: bytes, name: str = "name") -> str:
    return str(log.VerifierKey(name, public))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+c74f20a3",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("Peter", "Peter "),
        GO_KEY[:-4],
        GO_KEY + "\n",
        raw_key(base64.b64decode("Glzz")),
        raw_key((2**255 - 19 + 3).to_bytes(32, "little")),  # not canonical
        *(raw_key(y.to_bytes(32, "little")) for y in notes.SMALL_ORDER),
    ],
)
def test_what_is_not_a_verifier_key_is_refused(text):
    with pytest.raises(log.BadNote):
        log.VerifierKey.parse(text)


def test_with_a_key_of_small_order_one_signature_fits_everything(monkeypatch):
    """The control of the guard: OpenSSL itself takes such a key."""
    monkeypatch.setattr(notes, "_usable", lambda public: True)
    key = log.VerifierKey.parse(raw_key((1).to_bytes(32, "little")))
    signature = (1).to_bytes(32, "little") + bytes(32)
    assert key.has_signed("one text\n", signature)
    assert key.has_signed("another\n", signature)


def test_new_signing_keys_differ_and_have_32_bytes():
    keys = {log.make_signing_key() for _ in range(20)}
    assert {len(base64.b64decode(key)) for key in keys} == {32}
    assert len(keys) == 20


@pytest.mark.parametrize("key", ["", "AAAA", SIGNING_KEY[:-1], "not base64"])
def test_a_wrong_signing_key_is_refused(key):
    with pytest.raises(log.BadNote):
        log.verifier_key(ORIGIN, key)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\u3000b", "a\nb"])
def test_a_wrong_key_name_is_refused(name):
    with pytest.raises(log.BadNote):
        log.verifier_key(name, SIGNING_KEY)


# Checkpoints


CHECKPOINT = log.Checkpoint(ORIGIN, 13, log.root(13, NODE), AT)


def test_a_checkpoint_is_signed_and_reads_back():
    signed = log.sign(CHECKPOINT, SIGNING_KEY)
    assert signed.decode().split("\n")[:5] == [
        ORIGIN,
        "13",
        base64.b64encode(naive_root(LINES[:13])).decode(),
        "time 2026-03-05T04:05:06.000007Z",
        "",
    ]
    assert log.verified(signed, [KEY]) == log.parse(signed) == CHECKPOINT
    assert log.verified(log.sign(CHECKPOINT, SIGNING_KEY, NEXT_SIGNING_KEY), [NEXT_KEY]) == CHECKPOINT


@pytest.mark.parametrize("change", [{"at": None}, {"extensions": ("one", "two")}, {"size": 0, "root": log.EMPTY_ROOT}])
def test_time_and_extensions_are_optional(change):
    checkpoint = dataclasses.replace(CHECKPOINT, **change)
    assert log.verified(log.sign(checkpoint, SIGNING_KEY), [KEY]) == checkpoint


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"size": 10**17},
        {"root": bytes(31)},
        {"origin": ""},
        {"origin": "two words"},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"at": None, "extensions": ("time of no kind",)},
    ],
)
def test_what_would_not_read_back_is_not_signed(change):
    with pytest.raises(log.BadNote):
        log.sign(dataclasses.replace(CHECKPOINT, **change), SIGNING_KEY)


@pytest.mark.parametrize("size", ["013", "+13", "-1", "", "1 3", "１３", "0x1", "99999999999999999999"])
def test_a_size_has_one_form(size):
    signed = log.sign_note(f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n", ORIGIN, SIGNING_KEY)
    with pytest.raises(log.BadCheckpoint):
        log.verified(signed, [KEY])


def test_a_key_signs_only_for_the_log_of_its_name():
    """A note by the key of one log that states the checkpoint of another."""
    signed = log.sign_note(CHECKPOINT.text, "other.example/log", SIGNING_KEY)
    key = log.verifier_key("other.example/log", SIGNING_KEY)
    with pytest.raises(log.UnknownKey):
        log.verified(signed, [key])
    assert log.Checkpoint.parse(log.open_note(signed, [key])[0]) == CHECKPOINT  # the signature itself is right


def test_short_lines():
    root = base64.b64encode(CHECKPOINT.root).decode()
    assert CHECKPOINT.short == f"13:{root[:16]}"
    assert log.short_fits(CHECKPOINT.short, CHECKPOINT)
    assert log.short_fits(f"13:{root}", CHECKPOINT)
    assert not log.short_fits(f"12:{root[:16]}", CHECKPOINT)
    assert not log.short_fits("13:" + "A" * 16, CHECKPOINT)
    for wrong in ("", "13", f"13:{root[:15]}", f"013:{root[:16]}", f"13:{root[:15]}!", f"13:{root}A"):
        with pytest.raises(log.BadCheckpoint):
            log.short_fits(wrong, CHECKPOINT)


# Change of key


def test_the_old_key_names_the_new_one():
    statement = log.make_rotation(NEXT_KEY, AT, SIGNING_KEY)
    new, signers = log.verify_rotation(statement, [KEY])
    assert (str(new), [str(key) for key in signers]) == (NEXT_KEY, [KEY])
    with pytest.raises(log.UnknownKey):
        log.verify_rotation(statement, [GO_KEY])
    with pytest.raises(log.BadNote):
        log.verify_rotation(statement.replace("2026", "2027"), [KEY])
    with pytest.raises(log.BadCheckpoint):
        log.parse(statement.encode())


def test_a_checkpoint_is_not_a_statement_and_names_must_agree():
    with pytest.raises(log.BadNote):
        log.verify_rotation(log.sign(CHECKPOINT, SIGNING_KEY).decode(), [KEY])
    foreign = log.sign_note(f"{ORIGIN}\nkey\n{GO_KEY}\ntime {log.stamp(AT)}\n", ORIGIN, SIGNING_KEY).decode()
    with pytest.raises(log.BadNote, match="名称"):
        log.verify_rotation(foreign, [KEY])


def test_each_rotation_puts_the_new_key_in_the_place_of_the_old():
    statement = log.make_rotation(NEXT_KEY, AT, SIGNING_KEY)
    entries = [ENTRY, {**ENTRY, "act": "key", "detail": {"statement": statement}}, ENTRY]
    assert [str(key) for key in log.keys_at(1, entries, [KEY])] == [KEY]
    assert [str(key) for key in log.keys_at(2, entries, [KEY])] == [NEXT_KEY]
    assert [str(key) for key in log.keys_at(3, entries, [NEXT_KEY])] == [NEXT_KEY]
    assert [str(key) for key in log.keys_at(3, entries, [KEY, NEXT_KEY])] == [NEXT_KEY]
