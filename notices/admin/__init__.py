from . import ledger, publicity, trail  # noqa: F401
