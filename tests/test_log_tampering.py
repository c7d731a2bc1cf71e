"""What the audit of a saved log finds, what it says about it, and what nobody can find."""

import base64
import dataclasses
import datetime
import functools
import hashlib
import json
import random
import time

import pytest

from notices import transparency as log
from notices.transparency import auditing, notes

ORIGIN = "log.test.example/notices"
SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
KEY = log.verifier_key(ORIGIN, SIGNING_KEY)
NEXT_SIGNING_KEY = base64.b64encode(bytes(range(32, 64))).decode()
NEXT_KEY = log.verifier_key(ORIGIN, NEXT_SIGNING_KEY)
START = datetime.datetime(2026, 1, 5, 1, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
SIZE, HELD = 60, 40  # entries in the log, and in the older checkpoint that somebody kept


def edition(sequence: int, title: str = "整改情况公示") -> bytes:
    document = {"edition": 1, "reference": f"2026-{sequence:04}", "title": title}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def entry(sequence: int, **changes) -> dict:
    """The entry that belongs at `sequence`: one a minute, each publishing an edition."""
    digest = hashlib.sha256(edition(sequence)).hexdigest()
    at = log.stamp(START + sequence * MINUTE)
    plain = {"sequence": sequence, "at": at, "act": "publish", "reference": f"2026-{sequence:04}", "edition": 1}
    return {**plain, "digest": digest, **changes}


def lines_of(entries: list[dict], renumber: bool = False) -> list[bytes]:
    if renumber:
        entries = [{**entry, "sequence": place} for place, entry in enumerate(entries)]
    return [log.entry_line(entry) for entry in entries]


def checkpoint(lines: list[bytes], size: int | None = None, at: datetime.datetime | None = None) -> log.Checkpoint:
    """What the log says of its first `size` lines, a second after the last of them unless `at` is given."""
    nodes = log.nodes_of(lines)
    size = len(lines) if size is None else size
    at = at or START + size * MINUTE + datetime.timedelta(seconds=1)
    return log.Checkpoint(ORIGIN, size, log.root(size, lambda level, index: nodes[level, index]), at)


def sign(lines: list[bytes], size: int | None = None, key: str = SIGNING_KEY, **changes) -> bytes:
    return log.sign(dataclasses.replace(checkpoint(lines, size), **changes), key)


def changed(lines: list[bytes], place: int, **changes) -> list[bytes]:
    return [*lines[:place], log.entry_line({**log.read_entry(lines[place]), **changes}), *lines[place + 1 :]]


ENTRIES = [entry(sequence) for sequence in range(SIZE)]
GOOD = lines_of(ENTRIES)
SIGNED = sign(GOOD)
KEPT = sign(GOOD, HELD)
SHORT = checkpoint(GOOD, HELD).short
EARLY = checkpoint(GOOD, 20).short
DROPPED = lines_of(ENTRIES[:30] + ENTRIES[31:], renumber=True)
EDITED = changed(GOOD, 30, reason="改过")
REWRITTEN = changed(GOOD, 30, digest=hashlib.sha256(edition(30, "改过")).hexdigest())


@dataclasses.dataclass(frozen=True)
class Case:
    """What is audited, and where it does not fit: at an entry, among entries (from, to before), or at neither."""

    lines: list[bytes] = dataclasses.field(default_factory=lambda: GOOD)
    signed: bytes = SIGNED
    keys: tuple[str, ...] = (KEY,)
    held: tuple[bytes | str, ...] = ()
    editions: dict[str, bytes] = dataclasses.field(default_factory=dict)
    fits: bool = False
    at: int | None = None
    among: tuple[int, int] | None = None

    def audit(self) -> log.Checkpoint:
        return log.audit(self.lines, self.signed, self.keys, held=self.held, editions=self.editions)


def rotated_log(signing_key: str = SIGNING_KEY) -> list[bytes]:
    """A log in which the key was changed at entry 30, by a statement of that key."""
    statement = log.make_rotation(NEXT_KEY, START, signing_key)
    rotation = {"sequence": 30, "at": log.stamp(START + 30 * MINUTE), "act": "key", "detail": {"statement": statement}}
    return [*GOOD[:30], log.entry_line(rotation), *GOOD[31:]]


ROTATED = rotated_log()
SPOILT = changed(
    ROTATED, 30, detail={"statement": log.make_rotation(NEXT_KEY, START, SIGNING_KEY).replace("01-05", "01-04")}
)
FORGED = f"{checkpoint(GOOD).text}\n— {ORIGIN} {base64.b64encode(log.VerifierKey.parse(KEY).id + bytes(64)).decode()}\n".encode()
LATE = sign(GOOD, HELD, at=START + 50 * MINUTE)

CASES = {
    "good": Case(fits=True),
    "empty": Case(lines=[], signed=sign([]), fits=True),
    "good, with everything": Case(held=(KEPT, SHORT, EARLY), editions={"a.json": edition(7)}, fits=True),
    "good, held checkpoint is the present one": Case(held=(SIGNED,), fits=True),
    "edited": Case(EDITED, among=(0, 60)),
    "edited, known before": Case(EDITED, held=(EARLY,), among=(20, 60)),
    "edited, known before and after": Case(EDITED, held=(KEPT, EARLY), among=(20, 40)),
    "edited, known just before and after": Case(
        EDITED, held=(checkpoint(GOOD, 30).short, checkpoint(GOOD, 31).short), at=30
    ),
    "not canonical": Case([*GOOD[:8], GOOD[8].replace(b'":', b'": '), *GOOD[9:]], at=8),
    "not canonical, signed": Case(
        [*GOOD[:8], GOOD[8].replace(b'":', b'": '), *GOOD[9:]],
        sign([*GOOD[:8], GOOD[8].replace(b'":', b'": '), *GOOD[9:]]),
        at=8,
    ),
    "empty line": Case([*GOOD[:8], b"", *GOOD[8:]], at=8),
    "dropped": Case(GOOD[:30] + GOOD[31:], at=30),
    "dropped, signed": Case(GOOD[:30] + GOOD[31:], sign(GOOD[:30] + GOOD[31:]), at=30),
    "dropped and renumbered": Case(DROPPED, among=(0, 60)),
    "dropped and renumbered, held": Case(DROPPED, held=(SHORT,), among=(0, 40)),
    "inserted": Case([*GOOD[:30], GOOD[30], *GOOD[30:]], at=31),
    "swapped": Case([*GOOD[:30], GOOD[31], GOOD[30], *GOOD[32:]], at=30),
    "out of time": Case(changed(GOOD, 30, at=log.stamp(START)), at=30),
    "out of time, signed": Case(
        changed(GOOD, 30, at=log.stamp(START)), sign(changed(GOOD, 30, at=log.stamp(START))), at=30
    ),
    "cut short": Case(GOOD[:50], among=(0, 60)),
    "cut short, held": Case(GOOD[:59], held=(KEPT, checkpoint(GOOD, 59).short), at=59),
    "longer than its checkpoint": Case(GOOD, sign(GOOD, 50), at=50),
    "edited and longer than its checkpoint": Case(EDITED, sign(GOOD, 50), among=(0, 50)),
    "edition": Case(editions={"a.json": edition(30, "改过")}, at=30),
    "edition by its digest": Case(editions={hashlib.sha256(edition(7)).hexdigest(): b"not even JSON"}, at=7),
    "unknown edition": Case(editions={"a.json": edition(70)}),
    "rewritten with its edition": Case(REWRITTEN, sign(REWRITTEN), editions={"a.json": edition(30)}, at=30),
    "rewritten with its edition, held": Case(REWRITTEN, sign(REWRITTEN), held=(SHORT,), among=(0, 40)),
    "bad signature": Case(signed=SIGNED.replace(b"\n60\n", b"\n59\n")),
    "forged signature": Case(signed=FORGED),
    "not a checkpoint": Case(signed=SIGNED[:-1]),
    "signed by a stranger": Case(signed=sign(GOOD, key=NEXT_SIGNING_KEY)),
    "signed for another log": Case(
        signed=log.sign_note(checkpoint(GOOD).text, "else", SIGNING_KEY), keys=(log.verifier_key("else", SIGNING_KEY),)
    ),
    "fork": Case(EDITED, sign(EDITED), held=(SHORT,), among=(0, 40)),
    "fork, full checkpoint held": Case(EDITED, sign(EDITED), held=(EARLY, KEPT), among=(20, 40)),
    "rolled back": Case(GOOD[:30], sign(GOOD[:30]), held=(SHORT,), at=30),
    "held checkpoint with a bad signature": Case(held=(KEPT.replace(b"\n40\n", b"\n41\n"),)),
    "held checkpoint of another log": Case(
        held=(log.sign(dataclasses.replace(checkpoint(GOOD, HELD), origin="else"), SIGNING_KEY),),
        keys=(KEY, log.verifier_key("else", SIGNING_KEY)),
    ),
    "held line too short": Case(held=("40:abc",)),
    "dated back behind a held checkpoint": Case(held=(LATE,), at=40),
    "dated after its checkpoint": Case(signed=sign(GOOD, at=START + 50 * MINUTE), at=53),
    "key changed": Case(ROTATED, sign(ROTATED, key=NEXT_SIGNING_KEY), held=(sign(ROTATED, 20),), fits=True),
    "key changed, only the new one known": Case(
        ROTATED, sign(ROTATED, key=NEXT_SIGNING_KEY), keys=(NEXT_KEY,), fits=True
    ),
    "key changed, signed by the old one": Case(ROTATED, sign(ROTATED)),
    "key changed by a stranger": Case(
        rotated_log(NEXT_SIGNING_KEY), sign(rotated_log(NEXT_SIGNING_KEY), key=NEXT_SIGNING_KEY)
    ),
    "key changed by a spoilt statement": Case(SPOILT, sign(SPOILT, key=NEXT_SIGNING_KEY), at=30),
}


def outcome(case: Case) -> tuple:
    """(fits, sequence, from and to before) as the audit says."""
    try:
        case.audit()
    except log.DoesNotFit as error:
        within = (error.within.start, error.within.stop) if error.within else None
        return False, error.sequence, within
    return True, None, None


@pytest.mark.parametrize("name", CASES)
def test_the_audit_says_where_it_does_not_fit(name):
    assert outcome(CASES[name]) == (CASES[name].fits, CASES[name].at, CASES[name].among)


# Without the guard, what it alone finds would pass: attribute to replace, by what, and the case.
GUARDS = [
    (auditing, "read_entry", lambda line: json.loads(line), "not canonical, signed"),
    (auditing, "read_entries", lambda lines: [log.read_entry(line) for line in lines], "dropped, signed"),
    (auditing, "read_entries", lambda lines: [log.read_entry(line) for line in lines], "out of time, signed"),
    (notes.VerifierKey, "has_signed", lambda *arguments: True, "forged signature"),
    (notes.VerifierKey, "has_signed", lambda *arguments: True, "key changed by a spoilt statement"),
    (auditing._Tree, "check_marks", lambda *arguments: 0, "fork"),
    (auditing._Tree, "check_size", lambda *arguments: None, "rolled back"),
    (auditing._Tree, "check_root", lambda *arguments: None, "edited"),
    (auditing, "_check_times", lambda *arguments: None, "dated back behind a held checkpoint"),
    (auditing, "_check_times", lambda *arguments: None, "dated after its checkpoint"),
    (auditing.Published, "entry_of", lambda *arguments: None, "edition"),
    (auditing.Published, "entry_of", lambda *arguments: None, "unknown edition"),
    (auditing, "keys_at", lambda size, entries, keys: keys, "key changed, signed by the old one"),
]


@pytest.mark.parametrize(("place", "name", "without", "case"), GUARDS)
def test_without_its_guard_each_would_pass(place, name, without, case, monkeypatch):
    assert not outcome(CASES[case])[0]
    monkeypatch.setattr(place, name, without)
    assert outcome(CASES[case])[0]


def known_variants():
    nodes = log.nodes_of(GOOD)

    def node(level, index):
        return nodes[level, index]

    proof = log.inclusion_proof(24, SIZE, node)
    return {
        "all nodes": (log.known_from_nodes(node), (30, None)),
        "a proof nearby": (log.known_from_proof(log.leaf_hash(GOOD[24]), 24, SIZE, proof), (None, range(28, 32))),
        "nothing": (None, (None, range(SIZE))),
        "invented": (lambda start, end: bytes(32), (None, range(SIZE))),
    }


@pytest.mark.parametrize("name", known_variants())
def test_hashes_kept_of_the_tree_narrow_it_down_and_need_not_be_trusted(name):
    known, (sequence, within) = known_variants()[name]
    with pytest.raises(log.DoesNotFit) as caught:
        log.audit(EDITED, SIGNED, [KEY], known=known)
    assert (caught.value.sequence, caught.value.within) == (sequence, within)


def test_kept_hashes_name_the_entry_that_was_dropped():
    nodes = log.nodes_of(GOOD)
    with pytest.raises(log.DoesNotFit) as caught:
        log.audit(DROPPED, SIGNED, [KEY], known=log.known_from_nodes(lambda level, index: nodes[level, index]))
    assert caught.value.sequence == 30


def test_the_message_says_no_more_than_is_known():
    with pytest.raises(log.DoesNotFit, match=r"序号 20 至 39 的记录中有改动或缺失，无法断定是哪一条"):
        CASES["edited, known before and after"].audit()
    with pytest.raises(log.DoesNotFit, match=r"^序号 30 的记录不符："):
        CASES["swapped"].audit()
    with pytest.raises(log.DoesNotFit, match=r"^检查点：签名无效"):
        CASES["bad signature"].audit()


# 1,500 tamperings at or before a held checkpoint


def edit(entries: list[dict], place: int, chance: random.Random) -> None:
    field, value = chance.choice(
        [("reason", "另有说明"), ("act", "withdraw"), ("reference", "2020-0001"), ("detail", 1)]
    )
    entries[place] = {**entries[place], field: value}


def drop(entries: list[dict], place: int, chance: random.Random) -> None:
    del entries[place]


def insert(entries: list[dict], place: int, chance: random.Random) -> None:
    entries.insert(place, {**entries[place], "act": "withdraw", "reason": "本不存在"})


def swap(entries: list[dict], place: int, chance: random.Random) -> None:
    other = chance.choice([other for other in range(len(entries)) if other != place])
    entries[place], entries[other] = entries[other], entries[place]


def swap_content(entries: list[dict], place: int, chance: random.Random) -> None:
    """Two entries change places, but numbers and times stay in order."""
    other = chance.choice([other for other in range(len(entries)) if other != place])
    order = {key: (entries[place][key], entries[other][key]) for key in ("sequence", "at")}
    entries[place], entries[other] = entries[other], entries[place]
    for key, (here, there) in order.items():
        entries[place], entries[other] = {**entries[place], key: here}, {**entries[other], key: there}


def back_date(entries: list[dict], place: int, chance: random.Random) -> None:
    earlier = datetime.timedelta(microseconds=chance.randint(1, 59_000_000))
    entries[place] = {**entries[place], "at": log.stamp(log.moment(entries[place]["at"]) - earlier)}


def rewrite(entries: list[dict], place: int, chance: random.Random) -> None:
    """A new text of the edition, and its digest in the entry."""
    digest = hashlib.sha256(edition(entries[place]["sequence"], f"改写 {chance.random()}")).hexdigest()
    entries[place] = {**entries[place], "digest": digest}


def fork(entries: list[dict], place: int, chance: random.Random) -> None:
    """From here on, another history."""
    for later in range(place, len(entries)):
        rewrite(entries, later, chance)


KINDS = [edit, drop, insert, swap, swap_content, back_date, rewrite, fork]


@dataclasses.dataclass(frozen=True)
class Tampering:
    case: Case
    place: int  # the first entry that is not as it was


@functools.cache
def tamperings(count: int, seed: int = 20260301) -> list[Tampering]:
    """Each at an entry below HELD, half of them renumbered where that hides it, half signed again with the real key."""
    chance, made = random.Random(seed), []
    for number in range(count):
        entries, place = list(ENTRIES), chance.randrange(HELD)
        KINDS[number % len(KINDS)](entries, place, chance)
        lines = lines_of(entries, renumber=chance.random() < 0.5)
        signed = sign(lines) if chance.random() < 0.5 else SIGNED
        held = chance.choice([(SHORT,), (KEPT,), (EARLY, SHORT)])
        first = next(place for place in range(HELD) if lines[place] != GOOD[place])
        made.append(Tampering(Case(lines, signed, held=held), first))
    return made


def test_all_tamperings_before_a_held_checkpoint_are_found_and_none_is_placed_wrongly():
    for tampering in tamperings(1500):
        fits, sequence, within = outcome(tampering.case)
        assert not fits
        if within:
            assert within[0] <= tampering.place < within[1] <= HELD
        else:
            assert sequence >= tampering.place


def test_without_the_held_checkpoint_what_was_signed_again_passes():
    """The control of the test above, and the honest limit: a consistent fork by the real key is invisible alone."""
    alone = [dataclasses.replace(tampering.case, held=()) for tampering in tamperings(1500)]
    passed = [case for case in alone if outcome(case)[0]]
    assert 400 < len(passed) < 800
    assert all(case.signed != SIGNED for case in passed)


def test_a_fork_is_not_found_by_somebody_who_kept_nothing():
    forged = changed(REWRITTEN, 12, act="withdraw")
    assert Case(forged, sign(forged)).audit().size == SIZE


@pytest.mark.parametrize("place", [HELD, HELD + 1, SIZE - 1])
def test_what_is_signed_again_after_the_held_checkpoint_is_not_found(place):
    forged = changed(GOOD, place, act="withdraw", reason="从未发生")
    assert Case(forged, sign(forged), held=(KEPT, SHORT)).audit().size == SIZE
    kept_later = checkpoint(GOOD, place + 1).short
    assert outcome(Case(forged, sign(forged), held=(kept_later,))) == (False, None, (0, place + 1))


# Speed


def long_log(count: int) -> list[bytes]:
    return lines_of([entry(sequence) for sequence in range(count)])


def seconds(function) -> float:
    """The best of three."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return min(taken)


def test_an_audit_costs_little_more_than_reading_the_lines():
    """10,000 entries must take less than a second; the ratio says so on machines of any speed."""
    lines = long_log(10_000)
    case = Case(lines, sign(lines), held=(checkpoint(lines, 5_000).short,))
    naive = seconds(lambda: [(hashlib.sha256(line).digest(), json.loads(line)) for line in lines])
    audited = seconds(case.audit)
    print(f"audit of 10,000 entries: {audited:.3f} s, reading them: {naive:.3f} s")
    assert audited < 8 * naive
