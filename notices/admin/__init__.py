from . import ledger, publicity  # noqa: F401
