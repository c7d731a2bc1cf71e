"""Where an objection goes when the office that takes it is itself the responsible unit."""

from notices.models import Organisation, PublicityNotice, ReceivingOffice


def supervisor_of(notice: PublicityNotice) -> Organisation | None:
    """The organisation above that is told in the office's place; None where the office may judge for itself.

    An office whose organisation, or own name, stands among the responsible units does not judge its own case. The
    next organisation above that is not responsible itself and can be reached takes it; without one it stays.
    """
    office = notice.edition.receiving_office
    units = " ".join(notice.edition.tasks.values_list("responsible_units", flat=True))
    if not office or not (_named(office.organisation, units) or office.name in units):
        return None
    return next((each for each in _above(office) if not _named(each, units) and mailboxes_of(each)), None)


def mailboxes_of(organisation: Organisation) -> list[str]:
    """The mailboxes of all its offices, each once."""
    offices = organisation.receiving_offices.all()
    return list(dict.fromkeys(mailbox for office in offices for mailbox in office.mailbox_list()))


def _above(office: ReceivingOffice) -> list[Organisation]:
    found, each = [], office.organisation.parent
    while each and each not in found:
        found.append(each)
        each = each.parent
    return found


def _named(organisation: Organisation, units: str) -> bool:
    return organisation.name in units
