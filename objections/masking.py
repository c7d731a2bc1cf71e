"""What is shown of a name or an address to whoever did not ask to see all of it. No database."""

import functools
from collections.abc import Callable

from notices.encryption import Unreadable


def masking(mask: Callable[[str], str]) -> Callable[[str], str]:
    """What stands for a value that cannot be read, or was deleted, is shown as it is."""
    return functools.wraps(mask)(lambda value: value if isinstance(value, Unreadable) else mask(value))


@masking
def masked_name(name: str) -> str:
    """王小明 → 王**; of an organisation's longer name the first two characters."""
    shown = min(len(name) - 1, 1 if len(name) <= 4 else 2)
    return name[:shown] + "*" * min(len(name) - shown, 6) if name else ""


@masking
def masked_phone(phone: str) -> str:
    """13812341234 → 138****1234; of a short number only the last two digits."""
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    return "*" * (len(phone) - 2) + phone[-2:] if len(phone) > 4 else "*" * len(phone)


@masking
def masked_email(email: str) -> str:
    """zhang@example.com → z***@example.com"""
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}***{at}{domain}" if at else "*" * len(email)
