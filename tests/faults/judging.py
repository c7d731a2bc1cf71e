"""What was acknowledged, what is stored, what was delivered: compared. Every list that is not empty is a defect."""

from collections import Counter

from objections import receipts


def judge(shown: list, ledger: dict, mailhost, mail_kills: int) -> dict:
    """`shown` are the receipts that citizens were shown, `ledger` is what `inside.ledger` found."""
    stored = Counter(each["serial"] for each in ledger["objections"])
    rows = {each["number"]: each for each in ledger["objections"]}
    delivered = mailhost.count()
    sent = {mail[1] for each in ledger["objections"] for mail in each["mails"] if mail[2]}
    extra = sum(delivered.values()) - len(delivered)
    return {
        "acknowledged": len(shown),
        "stored": len(rows),
        "lost": sorted(each.serial for each in shown if not stored[each.serial]),
        "duplicates": sorted(serial for serial, times in stored.items() if times > 1),
        "altered": sorted(each.serial for each in shown if not fits(each, rows.get(each.number))),
        "incomplete": sorted(each["serial"] for each in rows.values() if not is_complete(each)),
        "mails": len(delivered),
        "mails waiting": sum(not mail[2] for each in rows.values() for mail in each["mails"]),
        "mails sent, never taken": len(sent - delivered.keys()),
        "mails of nobody": len(delivered.keys() - sent),
        "mails twice": extra,
        "mails twice beyond the kills": max(0, extra - mail_kills),
        "orphan files": ledger["orphans"],
        "log": ledger["log"],
    }


FIGURES = ("acknowledged", "stored", "mails", "mails twice", "orphan files")  # what may be more than nothing


def guilty(findings: dict) -> dict:
    """The defects among the findings."""
    return {name: found for name, found in findings.items() if name not in FIGURES and found}


def fits(receipt, row: dict | None) -> bool:
    """Is what the receipt showed what is stored under its number: same code, same digest, same files?"""
    if not row or row["serial"] != receipt.serial:
        return False
    code = receipts.digest(receipt.code) == row["code_digest"]
    return code and receipt.digest == row["digest"] and list(receipt.files) == row["files"]


def is_complete(row: dict) -> bool:
    """Digest and files hold, one line of arrival, one mail to the office and one to the objector."""
    kinds = sorted(kind for kind, *_ in row["mails"])
    delivered = row["events"].count("delivered") <= 1
    return row["whole"] and row["events"].count("received") == 1 and delivered and kinds == ["office", "receipt"]
