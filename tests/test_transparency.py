"""The log's building blocks: Merkle tree, proofs and canonical entries."""

import datetime
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices import transparency as log
from notices.transparency import merkle
from tests.test_import_direction import imported

# Leaves, roots and proofs of the certificate-transparency reference implementation (merkletree tests).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def naive_root(lines: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(lines) < 2:
        return hashlib.sha256(b"\0" + lines[0]).digest() if lines else hashlib.sha256(b"").digest()
    k = 1
    while 2 * k < len(lines):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(lines[:k]) + naive_root(lines[k:])).digest()


def stored(lines: list[bytes]):
    """A store of the tree's nodes, as `node` callable."""
    nodes = log.nodes_of(lines)
    return lambda level, index: nodes[level, index]


def numbered(count: int) -> list[bytes]:
    return [b"line %d" % number for number in range(count)]


LINES = numbered(300)
NODE = stored(LINES)


# The tree


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_reference_implementation(size):
    assert log.root(size, stored(LEAVES)).hex() == ROOTS[size]
    assert log.root(size, stored(LEAVES[:size])).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_of_the_reference_implementation(index, size):
    proof = log.inclusion_proof(index, size, stored(LEAVES))
    assert [part.hex() for part in proof] == INCLUSION[index, size]
    assert log.verify_inclusion(log.leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_of_the_reference_implementation(old, new):
    proof = log.consistency_proof(old, new, stored(LEAVES))
    assert [part.hex() for part in proof] == CONSISTENCY[old, new]
    assert log.verify_consistency(old, new, proof, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


def test_the_stored_tree_has_the_naive_root_at_every_size():
    assert all(log.root(size, NODE) == naive_root(LINES[:size]) for size in range(len(LINES) + 1))


@given(st.lists(st.binary(max_size=8), max_size=300))
@settings(max_examples=40, deadline=None)
def test_the_stored_tree_has_the_naive_root_for_any_lines(lines):
    assert log.root(len(lines), stored(lines)) == naive_root(lines)


def test_appending_stores_each_complete_subtree_once():
    nodes = {}

    def node(level, index):
        return nodes[level, index]

    for size, line in enumerate(LINES):
        new = log.appended(size, log.leaf_hash(line), node)
        assert not new.keys() & nodes.keys()
        nodes |= new
    assert nodes.keys() == {(level, index) for level in range(9) for index in range(300 >> level)}


def test_every_proof_of_trees_up_to_70_leaves_verifies():
    for size in range(71):
        root = log.root(size, NODE)
        for index in range(size):
            proof = log.inclusion_proof(index, size, NODE)
            assert log.verify_inclusion(log.leaf_hash(LINES[index]), index, size, proof, root)
        for old in range(size + 1):
            proof = log.consistency_proof(old, size, NODE)
            assert log.verify_consistency(old, size, proof, log.root(old, NODE), root)


def altered(hashes: list[bytes], data) -> list[bytes]:
    """The hashes with one of them changed in one bit, left out, doubled, or two swapped."""
    hashes = list(hashes)
    place = data.draw(st.integers(0, len(hashes) - 1))
    kind = data.draw(st.sampled_from(["bit", "drop", "double", "swap"]))
    if kind == "bit":
        bit = data.draw(st.integers(0, 255))
        hashes[place] = (int.from_bytes(hashes[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    elif kind == "drop":
        del hashes[place]
    elif kind == "double":
        hashes.insert(place, hashes[place])
    else:
        hashes[place], hashes[place - 1] = hashes[place - 1], hashes[place]
    return hashes


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_inclusion_proofs_verify_and_altered_ones_do_not(data):
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    root, leaf, proof = log.root(size, NODE), log.leaf_hash(LINES[index]), log.inclusion_proof(index, size, NODE)
    assert log.verify_inclusion(leaf, index, size, proof, root)
    wrong = altered(proof, data)
    assert wrong == proof or not log.verify_inclusion(leaf, index, size, wrong, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
    assert not log.verify_inclusion(leaf, other, size, proof, root)
    assert not log.verify_inclusion(log.leaf_hash(LINES[other]), index, size, proof, root)
    assert not log.verify_inclusion(leaf, index, size, proof, log.root(size - 1, NODE))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_consistency_proofs_verify_and_altered_ones_do_not(data):
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    before, after, proof = log.root(old, NODE), log.root(new, NODE), log.consistency_proof(old, new, NODE)
    assert log.verify_consistency(old, new, proof, before, after)
    wrong = altered(proof, data)
    assert wrong == proof or not log.verify_consistency(old, new, wrong, before, after)
    assert not log.verify_consistency(old, new, proof, log.root(old - 1, NODE), after)
    assert not log.verify_consistency(old, new, proof, before, log.root(new - 1, NODE))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        log.inclusion_proof(index, size, NODE)
    assert not log.verify_inclusion(bytes(32), index, size, [], bytes(32))


def test_there_is_no_proof_that_a_tree_has_shrunk():
    with pytest.raises(ValueError, match="no consistency"):
        log.consistency_proof(5, 4, NODE)
    assert not log.verify_consistency(5, 4, [], log.root(5, NODE), log.root(4, NODE))


def test_nothing_is_the_beginning_of_everything_but_only_with_the_empty_root():
    assert log.verify_consistency(0, 5, [], log.EMPTY_ROOT, log.root(5, NODE))
    assert not log.verify_consistency(0, 5, [], log.root(1, NODE), log.root(5, NODE))
    assert not log.verify_consistency(0, 5, [bytes(32)], log.EMPTY_ROOT, log.root(5, NODE))


def moved_bytes():
    """Two proofs in which a byte has moved from one hash to its neighbour, so that what is hashed stays the same."""
    leaf, (sibling,) = log.leaf_hash(LINES[1]), log.inclusion_proof(1, 2, NODE)
    old, (right,) = log.root(1, NODE), log.consistency_proof(1, 2, NODE)
    return [
        log.verify_inclusion(leaf[1:], 1, 2, [sibling + leaf[:1]], log.root(2, NODE)),
        log.verify_consistency(1, 2, [right[1:]], old + right[:1], log.root(2, NODE)),
    ]


def test_hashes_of_another_length_are_refused(monkeypatch):
    assert moved_bytes() == [False, False]
    monkeypatch.setattr(merkle, "_hashes", lambda *values: True)
    assert moved_bytes() == [True, True]


@pytest.mark.parametrize("size", [10, 1_000, 100_000])
def test_reads_grow_with_the_logarithm(size):
    limit = 2 * size.bit_length()
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1}:
        assert len(log.nodes_read(log.inclusion_proof, index, size)) <= limit
        assert len(log.nodes_read(log.consistency_proof, index, size)) <= limit
    assert len(log.nodes_read(log.root, size)) <= size.bit_length()
    for before in range(size - 40, size + 1):
        if before >= 0:
            assert len(log.nodes_read(log.appended, before, bytes(32))) <= size.bit_length()


def test_the_nodes_read_are_those_that_the_store_is_asked_for():
    asked = []
    log.inclusion_proof(7, 13, lambda level, index: asked.append((level, index)) or NODE(level, index))
    assert asked == log.nodes_read(log.inclusion_proof, 7, 13) != []


# Entries


ENTRY = {"sequence": 3, "at": "2026-03-05T04:05:06.000007Z", "act": "publish", "reference": "2026-0004", "edition": 1}


def test_an_entry_is_one_canonical_line():
    line = log.entry_line({**ENTRY, "detail": {"b": "多\n行", "a": 1}, "reason": None})
    assert (
        line
        == (
            '{"act":"publish","at":"2026-03-05T04:05:06.000007Z","detail":{"a":1,"b":"多\\n行"},'
            '"edition":1,"reference":"2026-0004","sequence":3}'
        ).encode()
    )
    assert log.read_entry(line) == {**ENTRY, "detail": {"b": "多\n行", "a": 1}}


values = st.recursive(
    st.text() | st.integers(-(2**49), 2**49) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(values.filter(lambda value: value is not None))
def test_an_entry_reads_back_whatever_its_detail(detail):
    entry = {**ENTRY, "detail": detail}
    line = log.entry_line(entry)
    assert log.read_entry(line) == entry
    assert b"\n" not in line


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b'{"act":"publish"',
        b'{"act": "publish","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"at":"2026-03-05T04:05:06.000007Z","act":"publish","sequence":3}',
        b'{"act":"publish","act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":3}\r',
        b'\xef\xbb\xbf{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"\\u516c","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"\\ud800","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"\xff","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":3.0}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":-1}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":true}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","sequence":99999999999999999999}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","detail":NaN,"sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","detail":' + b"[" * 100_000 + b"}",
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","reason":null,"sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06Z","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007+00:00","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007+00:00Z","sequence":3}',
        b'{"act":"publish","at":"2026-02-30T04:05:06.000007Z","sequence":3}',
        b'{"act":"publish","at":"9999-12-31T23:59:59.000000Z","sequence":3}',
        b'{"act":"publish","at":3,"sequence":3}',
        b'{"act":"publish","sequence":3}',
        b'{"act":"","at":"2026-03-05T04:05:06.000007Z","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z"}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","edition":0,"sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","digest":"ABC","sequence":3}',
        b'{"act":"publish","at":"2026-03-05T04:05:06.000007Z","reference":4,"sequence":3}',
    ],
)
def test_only_canonical_entries_are_read(line):
    with pytest.raises(log.BadEntry):
        log.read_entry(line)


@pytest.mark.parametrize("change", [{"sequence": None}, {"detail": 1.5}, {"detail": {1}}, {"at": "gestern"}])
def test_only_what_can_be_read_is_written(change):
    with pytest.raises(log.BadEntry):
        log.entry_line({**ENTRY, **change})


def test_times_are_utc_to_the_microsecond_and_sort_as_text():
    beijing = datetime.timezone(datetime.timedelta(hours=8))
    assert log.stamp(datetime.datetime(2026, 1, 1, 7, tzinfo=beijing)) == "2025-12-31T23:00:00.000000Z"
    now = datetime.datetime(2026, 3, 5, 4, 5, 6, 7, tzinfo=datetime.UTC)
    assert log.moment(log.stamp(now)) == now
    assert log.stamp(now) < log.stamp(now + datetime.timedelta(microseconds=1))
    with pytest.raises(log.BadEntry):
        log.stamp(datetime.datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_saved_log_is_split_at_newlines_only():
    assert log.saved_lines(b"a\r\nb\xe2\x80\xa8c\nd") == [b"a\r", b"b\xe2\x80\xa8c", b"d"]
    assert log.saved_lines(b"a\n\nb\n") == [b"a", b"", b"b"]
    assert log.saved_lines(b"") == []


def test_the_log_knows_no_database():
    for path in (Path(__file__).resolve().parent.parent / "notices" / "transparency").glob("*.py"):
        assert not {name for name in imported(path) if name.startswith(("django", "notices.models"))}, path
