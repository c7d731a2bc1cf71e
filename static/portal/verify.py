#!/usr/bin/env python3
"""Verify a saved publication log offline, with nothing but the standard library of Python 3.8 or newer.

The rules of the portal's own audit, written a second time so that nobody has to trust the portal: canonical entries,
Merkle tree (RFC 6962), signed checkpoints (C2SP), Ed25519 (RFC 8032). Exit status: 0 everything fits, 1 something
does not (the first entry is named where that can be told), 2 wrong usage or something that cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import sys
import urllib.request
from http.client import HTTPException
from typing import NamedTuple

HELP = """核验生态环境督察整改公示日志：记录有没有被改过、删过、插过、倒填过，签名是不是真的。

  python3 verify.py 日志文件 检查点文件 --key 公钥
  python3 verify.py --url https://公示网站 --key 公钥 --held 旧检查点 --edition 公示文件.json

日志文件从 /log/entries 保存（每行一条），检查点文件从 /log/checkpoint 保存。
公钥请从纸质公示、报刊等别的渠道取得；也可存成本程序旁边的文件 log.key。"""
FORKS = """请注意：没有提供旧检查点（--held）。如果整部日志被改写，又用真正的密钥重新签名，
只凭现在的日志和检查点是看不出来的。请抄下上面的检查点短行，下次核验时用 --held 提供。"""
AFTER = "请注意：最新一个旧检查点之后的记录若被改写又重新签名，是看不出来的。请抄下上面的检查点短行，下次再用。"

CONTROL = r"[\x00-\x09\x0b-\x1f]"
SIZE = "(0|[1-9][0-9]{0,15})"
CLOCK_SKEW = datetime.timedelta(seconds=120)  # how far the clocks of portal and signer may differ
LONGEST_NOTE = 1 << 20  # bytes
TIMEOUT = 60  # seconds for a page


class Unfit(Exception):
    """Something does not fit: the entry `sequence`, or one of the entries `within` (from, to before), or neither."""

    def __init__(self, reason: object, sequence: int | None = None, within: tuple = (0, 0)):
        super().__init__(reason)
        self.sequence = within[0] if within[1] - within[0] == 1 else sequence
        self.within = within if self.sequence is None and within[0] < within[1] else None


class Misuse(Exception):
    """Wrong usage, or a file or page that cannot be read."""


# Ed25519, verification only (RFC 8032, section 5.1). Points are X, Y, Z, T.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(p: tuple, q: tuple) -> tuple:
    """The sum of two points (section 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: tuple) -> tuple:
    """The point added to itself, `factor` times in all."""
    result = NEUTRAL
    while factor:
        result = add(result, point) if factor & 1 else result
        point, factor = add(point, point), factor >> 1
    return result


def encoded(point: tuple) -> bytes:
    """32 bytes: y, with the lowest bit of x on top (section 5.1.2)."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decoded(content: bytes) -> tuple | None:
    """The point, or None unless the bytes are the canonical form of one (section 5.1.3)."""
    number = int.from_bytes(content, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if len(content) != 32 or y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x + u) % P == 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (v * x * x - u) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def usable(public: bytes) -> bool:
    """Is it a public key in canonical form, and not one of small order, whose signatures prove nothing?"""
    point = decoded(public)
    return point is not None and encoded(times(8, point)) != encoded(NEUTRAL)


def has_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is it this key's signature (section 5.1.7)? Strict: S below L, canonical points."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L or not usable(public):
        return False
    x, y, z, t = decoded(public)
    k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L
    return encoded(add(times(s, BASE), times(k, (P - x, y, z, P - t)))) == r


class Key(NamedTuple):
    """A verifier key (c2sp.org/signed-note); `id` is SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), first 4 bytes."""

    name: str
    public: bytes
    id: bytes


class Checkpoint(NamedTuple):
    """Origin, number of entries, base64 root or its beginning, time or "" (c2sp.org/tlog-checkpoint)."""

    origin: str
    size: int
    root: str
    at: str


def plain(text: str) -> bytes:
    """The bytes of canonical base64. Raises Unfit."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        value = b""
    if base64.b64encode(value).decode() != text:
        raise Unfit(f"不是规范的 base64 编码：{text[:100]}")
    return value


def read_key(text: str) -> Key:
    """The key that `name+hex id+base64(0x01 ‖ public key)` states. Raises Unfit."""
    name, number, value = [*text.split("+", 2), "", ""][:3]
    content = plain(value)
    key = Key(name, content[1:], hashlib.sha256(name.encode() + b"\n" + content).digest()[:4])
    if not valid_name(name) or content[:1] != b"\x01" or number != key.id.hex() or not usable(key.public):
        raise Unfit(f"不是有效的核验公钥：{text[:200]}")
    return key


def valid_name(name: str) -> bool:
    """Not empty, no spaces or plus signs."""
    return bool(name) and not re.search(r"[\s+\x00-\x1f]", name)


def split_note(note: bytes) -> tuple[str, list]:
    """The text of a note and its signatures as (name, id ‖ signature). Raises Unfit."""
    try:
        content = note.decode()
    except UnicodeDecodeError:
        raise Unfit("不是 UTF-8 文字") from None
    text, gap, signatures = content.rpartition("\n\n")
    if not gap or not signatures.endswith("\n") or len(note) > LONGEST_NOTE or re.search(CONTROL, content):
        raise Unfit("不是签名文本：应为正文、空行和签名行，且以换行结尾")
    words = [line.split(" ") for line in signatures[:-1].split("\n")]
    if not all(len(w) == 3 and w[0] == "—" and valid_name(w[1]) and len(plain(w[2])) > 4 for w in words):
        raise Unfit("签名行的格式不对")
    return text + "\n", [(name, plain(value)) for _, name, value in words]


def open_note(note: bytes, keys: list[Key]) -> tuple[str, list[Key]]:
    """The text and the keys that signed it, none when only strangers did. Raises Unfit for a wrong signature."""
    text, signatures = split_note(note)
    pairs = [(key, value[4:]) for name, value in signatures for key in keys if (key.name, key.id) == (name, value[:4])]
    for key, signature in pairs:
        if not has_signed(key.public, text.encode(), signature):
            raise Unfit(f"签名无效（密钥 {key.name}+{key.id.hex()}）")
    return text, [key for key, _ in pairs]


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text states. Raises Unfit."""
    lines = text.split("\n")[:-1]
    timed = len(lines) > 3 and lines[3].startswith("time ")
    at = lines[3][len("time ") :] if timed else ""
    if len(lines) < 3 or not all(lines) or not re.fullmatch(SIZE, lines[1]) or (timed and not moment(at)):
        raise Unfit("不是检查点：应依次为来源、条数、根哈希和时间")
    if len(plain(lines[2])) != 32:
        raise Unfit("不是检查点：根哈希不是 32 字节")
    return Checkpoint(lines[0], int(lines[1]), lines[2], at)


def verified(note: bytes, entries: list[dict], keys: list[Key], what: str) -> Checkpoint:
    """The checkpoint, signed by a key that holds at its size. Raises Unfit."""
    try:
        size = read_checkpoint(split_note(note)[0]).size
        text, signers = open_note(note, keys_at(size, entries, keys))
        checkpoint = read_checkpoint(text)
        if checkpoint.origin not in [key.name for key in signers]:
            raise Unfit(f"没有已知公钥为日志 {checkpoint.origin} 作的签名")
    except Unfit as error:
        raise Unfit(f"{what}：{error}", error.sequence) from None
    return checkpoint


def keys_at(size: int, entries: list[dict], keys: list[Key]) -> list[Key]:
    """The keys after the rotations among the first `size` entries. Raises Unfit for a rotation that is wrong."""
    for entry in entries[:size]:
        detail = entry.get("detail")
        statement = detail.get("statement") if entry["act"] == "key" and isinstance(detail, dict) else None
        try:
            keys = rotated(statement.encode(), keys) if isinstance(statement, str) else keys
        except Unfit as error:
            raise Unfit(f"更换密钥的声明：{error}", entry["sequence"]) from None
    return keys


def rotated(statement: bytes, keys: list[Key]) -> list[Key]:
    """The keys with the new one in the place of those that signed the statement; a stranger's changes nothing."""
    text, signers = open_note(statement, keys)
    if not signers:
        return keys
    name, _, key, time = [*text.split("\n")[:-1], "", "", "", ""][:4]
    new, names = read_key(key), {name, *(signer.name for signer in signers)}
    if text != f"{name}\nkey\n{key}\n{time}\n" or not time.startswith("time ") or names != {new.name}:
        raise Unfit("不是更换密钥的声明")
    return [key for key in keys if key not in signers and key != new] + [new]


def read_held(kept: bytes, entries: list[dict], keys: list[Key], origin: str) -> Checkpoint:
    """An older checkpoint, or what a short line `size:beginning of the root` says of it. Raises Unfit."""
    if b"\n" in kept.strip():
        held = verified(kept, entries, keys, "旧检查点")
        if held.origin != origin:
            raise Unfit(f"旧检查点属于另一个日志：{held.origin}")
        return held
    match = re.fullmatch(SIZE + ":([A-Za-z0-9+/]{16,43}=?)", kept.decode("ascii", "replace").strip())
    if not match:
        raise Unfit(f"旧检查点：不是检查点短行：{kept[:100]!r}")
    return Checkpoint(origin, int(match[1]), match[2], "")


def small_number(text: str) -> int:
    """A whole number of at most 16 characters; the log has no other numbers."""
    if len(text) > 16 or not text.lstrip("-").isdigit():
        raise ValueError(text)
    return int(text)


DECODER = json.JSONDecoder(parse_int=small_number, parse_float=small_number, parse_constant=small_number)
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
REQUIRED = ["at", "sequence", "act"]
OPTIONAL = ["reference", "edition", "digest", "salted_digest", "public_from", "reason"]


def read_entry(line: bytes) -> dict:
    """The entry that the line is. Raises Unfit unless it is in canonical form."""
    try:
        entry = DECODER.decode(line.decode())
        canonical = isinstance(entry, dict) and None not in entry.values() and ENCODER.encode(entry).encode() == line
    except (ValueError, RecursionError):
        raise Unfit("不是 UTF-8 编码的 JSON") from None
    if not canonical:
        raise Unfit("不是规范的写法（键须排序、不重复，无多余空格和空值）")
    for key in REQUIRED + [key for key in OPTIONAL if key in entry]:
        if not valid(key, entry.get(key)):
            raise Unfit(f"“{key}”缺失或不符合格式")
    return entry


def valid(key: str, value: object) -> bool:
    """Has the value the form that the key demands?"""
    if key in ("sequence", "edition"):
        return type(value) is int and (1 if key == "edition" else 0) <= value < 2**53
    if not isinstance(value, str) or not value:
        return False
    if "digest" in key:
        return bool(re.fullmatch("[0-9a-f]{64}", value))
    return key != "at" or moment(value) is not None


def moment(text: str) -> datetime.datetime | None:
    """UTC to the microsecond, from 2026-01-31T08:00:00.000000Z; None for any other form."""
    try:
        value = datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=None)
    except ValueError:
        return None
    right = value.isoformat(timespec="microseconds") + "Z" == text and 1970 <= value.year < 9999
    return value if right else None


def read_entries(lines: list[bytes]) -> list[dict]:
    """All entries. Raises Unfit at the first that is not canonical, out of place or too early."""
    entries, latest = [], ""
    for sequence, line in enumerate(lines):
        try:
            entry = read_entry(line)
        except Unfit as error:
            raise Unfit(error, sequence) from None
        if entry["sequence"] != sequence:
            raise Unfit(f"这里写的序号是 {entry['sequence']}，有记录缺失、多出或换了位置", sequence)
        if entry["at"] < latest:
            raise Unfit(f"时间 {entry['at']} 早于前一条的 {latest}", sequence)
        entries.append(entry)
        latest = entry["at"]
    return entries


def edition_entry(entries: list[dict], name: str, content: bytes) -> dict:
    """The first entry that published these bytes. Raises Unfit, naming the entry that should have."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        document = json.loads(content)
        identity = (str(document["reference"]), int(document["edition"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        identity = None
    for entry in entries:
        if digest in (entry.get("digest"), entry.get("salted_digest")):
            return entry
    for entry in entries:
        said = "digest" in entry or "salted_digest" in entry
        if said and identity == (entry.get("reference"), entry.get("edition")):
            raise Unfit(f"记录的指纹与文件“{name}”的指纹（SHA-256：{digest}）不同", entry["sequence"])
    raise Unfit(f"日志里没有文件“{name}”的指纹（SHA-256：{digest}）")


# The Merkle tree (RFC 6962, section 2.1) and the audit


def tree_levels(lines: list[bytes]) -> list[list[bytes]]:
    """The hashes of all complete subtrees, leaves first."""
    levels = [[hashlib.sha256(b"\0" + line).digest() for line in lines]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = range(0, len(below) - 1, 2)
        levels.append([hashlib.sha256(b"\1" + below[i] + below[i + 1]).digest() for i in pairs])
    return levels


def root_of(size: int, levels: list[list[bytes]]) -> str:
    """The base64 root over the first `size` leaves: its complete subtrees, joined from the right."""
    start, peaks = 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(levels[level][start >> level])
            start += 1 << level
    root = peaks.pop() if peaks else hashlib.sha256().digest()
    while peaks:
        root = hashlib.sha256(b"\1" + peaks.pop() + root).digest()
    return base64.b64encode(root).decode()


def check_tree(lines: list[bytes], checkpoint: Checkpoint, held: list[Checkpoint]) -> None:
    """Raises Unfit unless the lines are those of the checkpoint and begin as each held one, sorted by size, says."""
    levels, size, fitting = tree_levels(lines), checkpoint.size, 0
    for mark in held:
        if mark.size <= len(lines):
            if not root_of(mark.size, levels).startswith(mark.root):
                raise Unfit("与您保存的旧检查点不符，历史被改写过", within=(fitting, mark.size))
            fitting = mark.size
    if held and held[-1].size > size:
        raise Unfit(f"您保存的旧检查点有 {held[-1].size} 条，现在的检查点只有 {size} 条", size)
    if len(lines) < size:
        raise Unfit(f"检查点有 {size} 条，日志只有 {len(lines)} 条", within=(fitting, size))
    if root_of(size, levels) != checkpoint.root:
        raise Unfit("与检查点的根哈希不符", within=(fitting, size))
    if len(lines) > size:
        raise Unfit(f"检查点只有 {size} 条，日志却有 {len(lines)} 条", size)


def check_times(entries: list[dict], checkpoint: Checkpoint, held: list[Checkpoint]) -> None:
    """Raises Unfit for an entry dated before a checkpoint that did not have it yet, or after the one that has it."""
    limit = checkpoint.at and moment(checkpoint.at) + CLOCK_SKEW
    floors = [(mark.size, moment(mark.at) - CLOCK_SKEW) for mark in held if mark.at]
    for sequence, entry in enumerate(entries):
        at = moment(entry["at"])
        if any(sequence >= size and at < floor for size, floor in floors):
            raise Unfit(f"时间 {entry['at']} 被倒填：您保存的旧检查点更晚签发，当时还没有这一条", sequence)
        if limit and at > limit:
            raise Unfit(f"时间 {entry['at']} 晚于检查点的签发时间", sequence)


def audit(lines: list[bytes], signed: bytes, keys: list[Key], held=(), editions=None) -> tuple:
    """The checkpoint, entries, older checkpoints and entries by edition; `held` and `editions` are bytes. Raises Unfit."""
    entries = read_entries(lines)
    checkpoint = verified(signed, entries, keys, "检查点")
    marks = sorted((read_held(kept, entries, keys, checkpoint.origin) for kept in held), key=lambda mark: mark.size)
    published = {name: edition_entry(entries, name, content) for name, content in (editions or {}).items()}
    check_tree(lines, checkpoint, marks)
    check_times(entries, checkpoint, marks)
    return checkpoint, entries, marks, published


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; exits with 2 when there is an unknown option. Raises Misuse."""
    parser = argparse.ArgumentParser("verify.py", description=HELP, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("log", nargs="?", help="保存的日志文件")
    parser.add_argument("checkpoint", nargs="?", help="保存的检查点文件")
    parser.add_argument("--url", help="公示网站的地址：不用文件，直接从网站读取")
    parser.add_argument("--key", action="append", default=[], help="核验公钥，或存有公钥的文件；可给多个")
    parser.add_argument("--held", action="append", default=[], help="从前保存的检查点文件，或检查点短行；可给多个")
    parser.add_argument("--edition", action="append", default=[], help="保存的公示文件（.json）；可给多个")
    given = parser.parse_args(arguments)
    site = (given.url or "").startswith(("https://", "http://"))
    if site == bool(given.log and given.checkpoint):
        raise Misuse("请提供日志文件和检查点文件，或者用 --url 给出网站地址（https://…）。用 --help 看说明。")
    return given


def read(place: str) -> bytes:
    """The content of a page or a file; a short line stands for itself. Raises Misuse."""
    if re.fullmatch(r"[0-9]+:\S+", place):
        return place.encode()
    try:
        if place.startswith(("https://", "http://")):
            with urllib.request.urlopen(place, timeout=TIMEOUT) as page:  # noqa: S310 - only these two schemes
                return page.read()
        with open(place, "rb") as file:
            return file.read()
    except (OSError, ValueError, HTTPException) as error:
        raise Misuse(f"读不了 {place}：{error}") from error


def split_lines(content: bytes) -> list[bytes]:
    """One entry a line; the last newline may be missing."""
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def read_site(site: str) -> tuple[list[bytes], bytes]:
    """The entries that a site's checkpoint covers, page by page, and the checkpoint. Raises Misuse or Unfit."""
    signed = read(site + "/log/checkpoint")
    lines, size = [], read_checkpoint(split_note(signed)[0]).size
    while len(lines) < size and (page := split_lines(read(f"{site}/log/entries?start={len(lines)}"))):
        lines += page
    return lines[:size], signed


def given_keys(values: list[str]) -> list[Key]:
    """The keys given, from files, or from log.key beside this program. Raises Misuse."""
    values = values or [os.path.join(os.path.dirname(os.path.abspath(__file__)), "log.key")]
    try:
        texts = [value if "+" in value and not os.path.isfile(value) else read(value).decode() for value in values]
        return [read_key(word) for text in texts for word in text.split()]
    except (Unfit, Misuse, ValueError) as error:
        raise Misuse(f"请用 --key 给出核验公钥，或把它存成本程序旁边的 log.key。{error}") from error


def report(checkpoint: Checkpoint, entries: list[dict], marks: list[Checkpoint], published: dict[str, dict]) -> None:
    """Say what fits, and what that does not show."""
    print(f"核验通过：全部 {checkpoint.size} 条记录与检查点一致，签名有效。")
    print(
        f"日志：{checkpoint.origin}；签发时间（UTC）：{checkpoint.at or '未写明'}；检查点短行：{checkpoint.size}:{checkpoint.root[:16]}"
    )
    for mark in marks:
        print(f"旧检查点 {mark.size}:{mark.root[:16]}：与现在的前 {mark.size} 条记录一致。")
    for name, entry in published.items():
        sequence, reference = entry["sequence"], entry.get("reference", "")
        print(f"文件“{name}”：{reference} 第 {entry.get('edition', '?')} 版，序号 {sequence}，{entry['at']}。")
        later = [entry for entry in entries[sequence + 1 :] if entry.get("reference") == reference]
        if later:
            print(f"　　此后还有 {len(later)} 条同号记录，最近的是序号 {later[-1]['sequence']}（{later[-1]['act']}）。")
    print(AFTER if marks else FORKS)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        given = options(arguments)
        keys, held = given_keys(given.key), [read(place) for place in given.held]
        editions = {os.path.basename(path): read(path) for path in given.edition}
        saved = not given.url and (split_lines(read(given.log)), read(given.checkpoint))
        lines, signed = saved or read_site(given.url.rstrip("/"))
        report(*audit(lines, signed, keys, held, editions))
    except Misuse as error:
        print(error, file=sys.stderr)
        return 2
    except Unfit as error:
        where = "" if error.sequence is None else f"第一条不符的记录：序号 {error.sequence}。"
        if error.within:
            where = f"序号 {error.within[0]} 至 {error.within[1] - 1} 的记录中有改动或缺失，无法断定是哪一条。"
        print(f"核验不通过。{where}{error}。")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
