"""What is received is received once: the bytes of what was said, their digest, and what a second post is told."""

import hashlib
import json
from collections.abc import Iterable


class AlreadyReceived(Exception):
    """This form was sent before: `objection` is what it became or added to, `same` says whether it said the same."""

    def __init__(self, objection, same: bool):
        super().__init__(objection.number)
        self.objection, self.same = objection, same


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(said: dict, files: Iterable) -> bytes:
    """Everything that was said and the digests of its files (whatever has `sha256`) as canonical JSON, UTF-8."""
    digests = [each.sha256 for each in files]
    said = said | ({"attachments": digests} if digests else {})
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_digest(said: dict, files: Iterable = ()) -> str:
    """SHA-256 of the canonical bytes: what the receipt shows."""
    return hashlib.sha256(canonical(said, files)).hexdigest()
