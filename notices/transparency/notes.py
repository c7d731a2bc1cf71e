"""Signed notes and their Ed25519 keys (c2sp.org/signed-note): a text, an empty line, signatures by named keys.

A signing key is base64 of its 32-byte seed (the setting LOG_SIGNING_KEY); a verifier key is the text
`name+hex key id+base64(0x01 ‖ public key)` that is published.
"""

import base64
import binascii
import dataclasses
import hashlib
import re
import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # signature type of the signed-note specification
LONGEST_NOTE = 1 << 20  # bytes
PRIME = 2**255 - 19
# The y coordinates of the eight points of small order: with such a key, signatures prove nothing.
ORDER_EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER = {0, 1, PRIME - 1, ORDER_EIGHT, PRIME - ORDER_EIGHT}


class BadNote(ValueError):
    """Not a signed note, or not the kind expected; the message says what is wrong."""


class BadSignature(BadNote):
    """A known key's signature does not fit the text."""


class UnknownKey(BadNote):
    """None of the known keys has signed."""


@dataclasses.dataclass(frozen=True)
class VerifierKey:
    """A named public key; `public` is its 32 bytes (RFC 8032, section 5.1.2)."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Key ID of the specification: SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key that the text states. Raises BadNote for any other text, also when the key id is not the key's."""
        name, _, rest = text.partition("+")
        try:
            key = cls(name, decode(rest.partition("+")[2])[1:])
        except BadNote:
            key = None
        if key is None or not valid_name(name) or not _usable(key.public) or str(key) != text:
            raise BadNote(f"不是有效的核验公钥：{text[:200]}")
        return key

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Is that this key's signature of the text? Strict: S below the group order, canonical points."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


Keys = Iterable[str | VerifierKey]


def make_signing_key() -> str:
    """A new signing key: base64 of 32 random bytes."""
    return encode(secrets.token_bytes(32))


def verifier_key(name: str, signing_key: str) -> str:
    """The verifier key to publish for a signing key. Raises BadNote for a name or key that is none."""
    if not valid_name(name):
        raise BadNote(f"密钥名称不能为空，也不能含有空格或加号：{name!r}")
    return str(VerifierKey(name, _private(signing_key).public_key().public_bytes_raw()))


def sign_note(text: str, name: str, *signing_keys: str) -> bytes:
    """The text as a note signed by each key under that name. `text` ends with a newline. Raises BadNote."""
    if not signing_keys or not text.endswith("\n") or _control_characters(text):
        raise BadNote("待签名的文字须以换行结尾，不能含有控制字符，并且至少要有一个密钥")
    lines = []
    for signing_key in signing_keys:
        key = VerifierKey.parse(verifier_key(name, signing_key))
        lines.append(f"— {name} {encode(key.id + _private(signing_key).sign(text.encode()))}\n")
    return (text + "\n" + "".join(lines)).encode()


def split_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures as (key name, key id ‖ signature), not verified. Raises BadNote."""
    try:
        content = note.decode()
    except UnicodeDecodeError as error:
        raise BadNote("不是 UTF-8 文字") from error
    text, gap, signatures = content.rpartition("\n\n")
    if len(note) > LONGEST_NOTE or not gap or not signatures.endswith("\n") or _control_characters(content):
        raise BadNote("不是签名文本：应为正文、空行和签名行，且以换行结尾")
    return text + "\n", [_signature(line) for line in signatures[:-1].split("\n")]


def open_note(note: bytes, keys: Keys) -> tuple[str, list[VerifierKey]]:
    """The text of a note and which of the keys have signed it.

    Raises BadSignature when one known key's signature is wrong, UnknownKey when no known key has signed:
    signatures by others are ignored, as the specification demands.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.id): key for key in map(VerifierKey.parse, map(str, keys))}
    signers = []
    for name, signature in signatures:
        key = known.get((name, signature[:4]))
        if key and not key.has_signed(text, signature[4:]):
            raise BadSignature(f"签名无效（密钥 {key.name}+{key.id.hex()}）")
        signers += [key] if key else []
    if not signers:
        raise UnknownKey("没有任何一个已知公钥的签名")
    return text, signers


def encode(value: bytes) -> str:
    """Base64 (RFC 4648, section 4)."""
    return base64.b64encode(value).decode()


def decode(text: str) -> bytes:
    """The bytes of canonical base64. Raises BadNote for anything else, stray bits in the last digit included."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("不是 base64 编码") from error
    if encode(value) != text:
        raise BadNote("不是规范的 base64 编码")
    return value


def valid_name(name: str) -> bool:
    """Key names are not empty and hold neither spaces nor plus signs (c2sp.org/signed-note, "Format")."""
    return bool(name) and not re.search(r"[\s+\x00-\x1f]", name)


def _signature(line: str) -> tuple[str, bytes]:
    dash, name, value = (*line.split(" "), "", "")[:3]
    signature = decode(value)
    if line != f"{dash} {name} {value}" or dash != "—" or not valid_name(name) or len(signature) < 5:
        raise BadNote("签名行的格式不对")
    return name, signature


def _private(signing_key: str) -> Ed25519PrivateKey:
    seed = decode(signing_key)
    if len(seed) != 32:
        raise BadNote("签名密钥须是 32 字节的 base64 编码")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _usable(public: bytes) -> bool:
    """32 bytes with a canonical y (RFC 8032, section 5.1.3) that is not of small order."""
    y = int.from_bytes(public, "little") & (2**255 - 1)
    return len(public) == 32 and y < PRIME and y not in SMALL_ORDER


def _control_characters(text: str) -> bool:
    return bool(re.search(r"[\x00-\x09\x0b-\x1f]", text))
