"""Where an objection goes when the office that takes it is itself the responsible unit."""

from collections.abc import Iterable

from notices.models import Organisation, PublicityNotice, ReceivingOffice


def supervisor_of(notice: PublicityNotice) -> Organisation | None:
    """The organisation above that is told in the office's place; None where the office may judge for itself.

    An office whose organisation, or own name, stands among the responsible units does not judge its own case. Without
    an organisation above that can take it, it stays.
    """
    office, units = notice.edition.receiving_office, _responsible_for(notice)
    if not office or not (_named(office.organisation, units) or office.name in units):
        return None
    return above(notice)


def above(notice: PublicityNotice) -> Organisation | None:
    """The next organisation above the receiving office that is not responsible itself and can be reached."""
    office, units = notice.edition.receiving_office, _responsible_for(notice)
    found = _above(office) if office else []
    return next((each for each in found if not _named(each, units) and addresses(each.receiving_offices.all())), None)


def addresses(offices: Iterable[ReceivingOffice]) -> dict[str, ReceivingOffice]:
    """mailbox → the office whose it is; each mailbox once, in the order entered."""
    found = {}
    for office in offices:
        for mailbox in office.mailbox_list():
            found.setdefault(mailbox, office)
    return found


def _responsible_for(notice: PublicityNotice) -> str:
    return " ".join(notice.edition.tasks.values_list("responsible_units", flat=True))


def _above(office: ReceivingOffice) -> list[Organisation]:
    found, each = [], office.organisation.parent
    while each and each not in found:
        found.append(each)
        each = each.parent
    return found


def _named(organisation: Organisation, units: str) -> bool:
    return organisation.name in units
