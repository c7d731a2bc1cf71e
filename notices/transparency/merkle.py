"""The Merkle tree of the log (RFC 6962, section 2.1) over subtrees that are stored once and never change.

A node is the hash of a complete subtree: `node(level, index)` covers the 2**level leaves from index * 2**level.
Whoever stores the nodes passes that callable in; every function here reads O(log n) of them. A leaf is given
as its `leaf_hash`, hashes are 32 bytes of SHA-256.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

HASH_LENGTH = 32  # bytes
EMPTY_ROOT = hashlib.sha256().digest()

Node = Callable[[int, int], bytes]
Range = tuple[int, int]  # leaves from the first to before the second
Known = Callable[[int, int], bytes | None]  # the hash that a range of leaves must have, None where unknown


def leaf_hash(line: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 ‖ line)."""
    return hashlib.sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def appended(size: int, leaf: bytes, node: Node) -> dict[tuple[int, int], bytes]:
    """The nodes, by (level, index), that become complete when `leaf` follows the first `size` leaves.

    They are to be stored; together there are less than two for each leaf.
    """
    level, index = 0, size
    complete = {(level, index): leaf}
    while index % 2:
        leaf = node_hash(node(level, index - 1), leaf)
        level, index = level + 1, index // 2
        complete[level, index] = leaf
    return complete


def nodes_of(lines: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
    """Every complete node of the tree over these lines, by (level, index)."""
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    for size, line in enumerate(lines):
        nodes |= appended(size, leaf_hash(line), node)
    return nodes


def root(size: int, node: Node) -> bytes:
    """The root over the first `size` leaves; EMPTY_ROOT for none."""
    return span(0, size, node) if size else EMPTY_ROOT


def span(start: int, end: int, node: Node) -> bytes:
    """The hash of the leaves start … end - 1, a range that the tree of some size really has as a subtree."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(span(start, middle, node), span(middle, end, node))


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The path that shows leaf `index` in the tree of `size` leaves (RFC 6962, section 2.1.1).

    Raises ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} among {size}")
    return [span(*sibling, node) for sibling, _ in _siblings(index, size)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Does `proof` show that `leaf` is leaf `index` of the tree of `size` leaves with that root?"""
    if not 0 <= index < size:
        return False
    if len(proof) != len(_siblings(index, size)) or not _hashes(leaf, *proof):
        return False
    return _proven(leaf, index, size, proof)[0, size] == root


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """What shows that the first `old` of `new` leaves are still the same (RFC 6962, section 2.1.2).

    It is empty for old == new and for old == 0, where there is nothing to show. Raises ValueError for old > new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"no consistency from {old} to {new}")
    return [span(*piece, node) for piece, _ in _pieces(old, new)] if old else []


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Does `proof` show that the tree of `old` leaves is the beginning of that of `new` leaves?"""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    pieces = _pieces(old, new)
    if len(proof) != len(pieces) or not _hashes(old_root, new_root, *proof):
        return False
    before = after = old_root
    for (_, side), part in zip(pieces, proof, strict=True):
        if side == "seed":
            before = after = part
        elif side == "left":
            before, after = node_hash(part, before), node_hash(part, after)
        else:
            after = node_hash(after, part)
    return (before, after) == (old_root, new_root)


def nodes_read(function: Callable, *arguments: int) -> list[tuple[int, int]]:
    """The (level, index) that `function(*arguments, node)` reads, so that a store can fetch them in one query."""
    read = []
    function(*arguments, lambda level, index: read.append((level, index)) or EMPTY_ROOT)
    return read


def known_from_nodes(node: Node) -> Known:
    """What stored nodes say of any range; `node` raises KeyError for one that it does not have."""

    def known(start: int, end: int) -> bytes | None:
        try:
            return span(start, end, node)
        except KeyError:
            return None

    return known


def known_from_proof(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> Known:
    """What a kept inclusion proof says of ranges: the leaf, its siblings and all that follows from them.

    Raises ValueError for a proof of the wrong length.
    """
    hashes = _proven(leaf, index, size, proof)
    return lambda start, end: hashes.get((start, end))


def first_change(size: int, expected: bytes, computed: Known, known: Known) -> range:
    """Where the first change lies among `size` leaves whose computed hash is not the `expected` root.

    Goes down from the root as far as `known` gives two halves that really hash to what is above them, so what
    it says need not be trusted. One leaf at best; all of them when nothing is known.
    """
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        left, right = known(start, middle), known(middle, end)
        if left is None or right is None or node_hash(left, right) != expected:
            break
        if computed(start, middle) != left:
            end, expected = middle, left
        else:
            start, expected = middle, right
    return range(start, end)


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 6962, section 2.1: k < n ≤ 2k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _halves(index: int, size: int) -> Iterator[tuple[Range, str]]:
    """From the root down to leaf `index`: the half that is left aside, and on which side it lies."""
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            yield (middle, end), "right"
            end = middle
        else:
            yield (start, middle), "left"
            start = middle


def _siblings(index: int, size: int) -> list[tuple[Range, str]]:
    return list(_halves(index, size))[::-1]


def _pieces(old: int, new: int) -> list[tuple[Range, str]]:
    """The ranges of a consistency proof from the bottom up.

    The descent towards the last old leaf stops at the first range that ends with it. That range comes first as
    the "seed", unless it begins at 0: then it is the old tree itself.
    """
    start, end, pieces = 0, new, []
    for (first, last), side in _halves(old - 1, new):
        if end == old:
            break
        pieces.append(((first, last), side))
        start, end = (last, end) if side == "left" else (start, first)
    if start:
        pieces.append(((start, end), "seed"))
    return pieces[::-1]


def _proven(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> dict[Range, bytes]:
    """Every range on the way up from the leaf to the root, and beside it, with its hash."""
    start, end, above = index, index + 1, leaf
    hashes = {}
    for (sibling, side), part in zip(_siblings(index, size), proof, strict=True):
        hashes |= {(start, end): above, sibling: part}
        above = node_hash(part, above) if side == "left" else node_hash(above, part)
        start, end = min(start, sibling[0]), max(end, sibling[1])
    return hashes | {(start, end): above}


def _hashes(*values: bytes) -> bool:
    """Is each as long as a hash? Otherwise two neighbours could share their bytes differently."""
    return all(len(value) == HASH_LENGTH for value in values)
