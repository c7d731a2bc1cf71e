"""Organisations with their offices and rules, and the rounds of inspection."""

from notices.models import InspectionRound, Organisation, PublicityRule, ReceivingOffice

from . import texts
from .days import Days


def make(days: Days) -> tuple[dict[str, Organisation], dict[str, InspectionRound]]:
    """(code → organisation, slug → round)"""
    facts = texts.read("organisations", days.today)
    organisations = {}
    for entry in facts["organisation"]:
        organisations[entry["code"]] = _organisation(entry, organisations.get(entry.get("parent")))
    rounds = {entry["slug"]: InspectionRound.objects.create(**entry) for entry in facts["round"]}
    return organisations, rounds


def _organisation(entry: dict, parent: Organisation | None) -> Organisation:
    organisation = Organisation.objects.create(
        code=entry["code"], name=entry["name"], kind=entry["kind"], parent=parent
    )
    for office in entry["office"]:
        ReceivingOffice.objects.create(organisation=organisation, **office)
    for rule in entry.get("rules", []):
        PublicityRule.objects.create(organisation=organisation, **rule)
    return organisation
