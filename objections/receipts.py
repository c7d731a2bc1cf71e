"""Receipt codes: the only key an objector holds. The database never holds the code itself.

The code is an HMAC of the form's token, so the same form sent twice shows the same code.
"""

import hashlib
import re
import unicodedata

from django.utils.crypto import salted_hmac

# Crockford's alphabet: no I, L, O, U, so a code survives being read over the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HEARD_AS = str.maketrans("OIL", "011")
LENGTH = 28  # characters of 5 bits: 140 bits
GROUP = 4


def code_for(token: str) -> str:
    """The receipt code of the form token, grouped: XXXX-XXXX-…"""
    number = int.from_bytes(salted_hmac("objections.receipts", token, algorithm="sha256").digest())
    code = "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(LENGTH))
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def normalise(typed: str) -> str | None:
    """`typed` as a bare code, or None when it cannot be one. Case, O/0, I/1, blanks and full-width are forgiven."""
    plain = unicodedata.normalize("NFKC", typed).upper().translate(HEARD_AS)
    bare = re.sub(r"[\s\-‐-―−]", "", plain)
    return bare if len(bare) == LENGTH and set(bare) <= set(ALPHABET) else None


def digest(code: str) -> str:
    """What the database keeps of a code (as shown or as typed): its SHA-256, "" for what is no code.

    No salt: 140 random bits cannot be tried through.
    """
    bare = normalise(code)
    return hashlib.sha256(b"receipt:" + bare.encode()).hexdigest() if bare else ""
