from . import ledger, mails, queue  # noqa: F401
