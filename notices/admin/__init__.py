from . import ledger, publicity, showing, trail  # noqa: F401
