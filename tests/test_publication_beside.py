"""The portal and a model of it, driven by the same random steps."""

import collections
import datetime
import re

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from notices import transparency, views
from notices.models import Checkpoint, Edition, LogEntry, NotAllowed, NoticeSection, PublicityNotice
from tests.make import DAY, make_office, make_organisation, make_user
from tests.test_publication_machine import (
    END,
    LENGTHS,
    ORGANISATIONS,
    PEOPLE,
    RUNS,
    START,
    STEPS,
    TEXT,
    UNWILLING,
    VERBS,
    WEIGHT,
    WILLING,
    edition_of,
    is_working,
    later,
    new_facts,
    rule_end,
    state_of,
)

pytestmark = pytest.mark.django_db


# ---- the portal beside it

people, notices = st.sampled_from(PEOPLE), st.integers(0, 2)
new_draft = {
    "person": people,
    "organisation": st.integers(0, 1),
    "ahead": st.integers(-1, 5),
    "extra": st.sampled_from([0, 0, 2, -1]),
}


class Portal(RuleBasedStateMachine):
    done: collections.Counter = collections.Counter()
    refused: collections.Counter = collections.Counter()

    def __init__(self):
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()
        self.now, self.facts, self.keys, self.log = START, [], [], []

    def teardown(self):
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    @property
    def today(self) -> datetime.date:
        return timezone.localdate(self.now)

    def act(self, verb: str, which: int, by: str, said: dict) -> None:
        """Let a person do it: refused for one of the reasons against it, done where there is none."""
        facts, notice = self.facts[which], PublicityNotice.objects.get(pk=self.keys[which])
        against = VERBS[verb][0](facts, by, self.today, **said)
        try:
            with time_machine.travel(self.now, tick=False):
                getattr(notice, verb)(by=make_user(by), **said)
        except NotAllowed as error:
            refusal = str(error)
        else:
            refusal = ""
        if refusal:
            expected = any(reason in refusal for reason in against)
            assert expected, f"{verb} was refused: {refusal}, but should have been for {against}"
            self.refused[verb] += 1
        else:
            assert not against, f"{verb} was done, but {against}"
            self.done[verb] += 1
            getattr(self, f"after_{verb}")(facts, by, **said)

    # -- what the model notes when it is done

    def after_submit(self, facts, by):
        facts["submitter"] = by

    def after_send_back(self, facts, by, reason):
        facts["submitter"] = None

    def after_publish(self, facts, by, confirmed, via="review"):
        facts["editions"].append(edition_of(facts, by, via))
        if not facts["reference"]:
            facts["reference"] = f"2026-{sum(bool(each['reference']) for each in self.facts) + 1:04d}"
        self.log.append((facts["act"], facts["reference"], len(facts["editions"])))
        facts.update(drafter=None, submitter=None, act="publish", editors=set())

    def after_publish_in_emergency(self, facts, by, emergency_reason, confirmed):
        self.after_publish(facts, by, confirmed, via="emergency")

    def after_confirm_edition(self, facts, by):
        facts["editions"][-1]["confirmed"] = True
        self.log.append(("confirm", facts["reference"], len(facts["editions"])))

    def after_begin_correction(self, facts, by, reason):
        facts.update(drafter=by, act="correct")

    def after_extend(self, facts, by, reason, closes_on):
        facts.update(drafter=by, submitter=by, act="extend", closes=closes_on)

    def after_compensate(self, facts, by, reason, days):
        closes = later(facts["organisation"], facts["closes"], days)
        facts.update(drafter=by, submitter=by, act="outage", closes=closes)

    def after_propose_withdrawal(self, facts, by, reason):
        facts["proposer"] = by

    def after_keep(self, facts, by):
        facts["proposer"] = None

    def after_withdraw(self, facts, by):
        facts["withdrawn"] = True
        self.log.append(("withdraw", facts["reference"], None))

    # -- steps

    @precondition(lambda self: self.now < END)
    @rule(days=st.sampled_from([0, 1, 1, 2, 5]), seconds=st.integers(0, 3600))
    def time_passes(self, days, seconds):
        self.now += days * DAY + datetime.timedelta(seconds=seconds)

    @initialize(**new_draft)
    def first_draft(self, **drawn):
        self.draft_notice(**drawn)

    @precondition(lambda self: len(self.facts) < 3)
    @rule(**new_draft)
    def another_draft(self, **drawn):
        self.draft_notice(**drawn)

    def draft_notice(self, person, organisation, ahead, extra):
        opens = self.today + ahead * DAY
        closes = rule_end(organisation, opens) + extra * DAY
        publisher = make_organisation(*ORGANISATIONS[organisation])
        notice = PublicityNotice.objects.create(
            organisation=publisher,
            title=f"关于第{len(self.facts)}项整改任务的整改情况公示",
            basis="根据有关规定,现对整改工作进行公示。",
            receiving_office=make_office(publisher),
            signatories=publisher.name,
            signed_on=opens,
            opens_on=opens,
            closes_on=closes,
            drafted_at=self.now,
            drafted_by=make_user(person),
        )
        for ordinal, (kind, heading, body) in enumerate(TEXT, 1):
            NoticeSection.objects.create(notice=notice, ordinal=ordinal, kind=kind, heading=heading, body=body)
        self.keys.append(notice.pk)
        self.facts.append(new_facts(organisation, person, opens, closes))

    @rule(which=notices, person=people, shift=st.sampled_from([0, 0, 0, 1, -1]), more=st.integers(-3, 3))
    def edit(self, which, person, shift, more):
        """What saving the admin form does to the dates."""
        which %= len(self.facts)
        facts, rows = self.facts[which], PublicityNotice.objects.filter(pk=self.keys[which])
        editable = bool(facts["drafter"] and not facts["submitter"])
        assert rows.get().is_editable == editable
        if not editable:
            return
        facts["opens"] += shift * DAY
        facts["closes"] = max(facts["closes"] + more * DAY, facts["opens"])
        facts["editors"].add(person)
        rows.update(opens_on=facts["opens"], closes_on=facts["closes"], signed_on=facts["opens"])
        rows.get().editors.add(make_user(person))

    @rule(which=notices, person=people, verb=st.sampled_from(list(VERBS)), data=st.data())
    def anybody_tries_anything(self, which, person, verb, data):
        which %= len(self.facts)
        said = {name: data.draw(drawn, label=name) for name, drawn in VERBS[verb][1](self.facts[which]).items()}
        self.act(verb, which, person, said)

    def everything(self):
        """Each act that anybody could try now, with what stands against it."""
        for which, facts in enumerate(self.facts):
            for verb, (against, names) in VERBS.items():
                willing = {name: WILLING[name](facts) for name in names(facts)}
                for said in (willing, *(willing | {name: UNWILLING[name](facts)} for name in willing)):
                    for by in PEOPLE:
                        yield (verb, which, by, said), against(facts, by, self.today, **said)

    def somebody_does_what_fits(self, data):
        """One of the acts against which nothing stands, so that runs get somewhere."""
        fitting = [act for act, against in self.everything() if not against]
        possible = dict.fromkeys(verb for verb, *_ in fitting)
        if verbs := [verb for verb in possible for _ in range(WEIGHT.get(verb, 1))]:
            verb = data.draw(st.sampled_from(verbs), label="verb")
            self.act(*data.draw(st.sampled_from([act for act in fitting if act[0] == verb]), label="act"))

    def somebody_nearly_fits(self, data):
        """One of the acts against which only one thing stands: no other guard hides the one that is missing."""
        near = [(act, (act[0], *against)) for act, against in self.everything() if len(against) == 1]
        if near:
            why = data.draw(st.sampled_from(list(dict.fromkeys(why for _, why in near))), label="why")
            self.act(*data.draw(st.sampled_from([act for act, reason in near if reason == why]), label="act"))

    fits_1 = rule(data=st.data())(somebody_does_what_fits)
    fits_2 = rule(data=st.data())(somebody_does_what_fits)
    fits_3 = rule(data=st.data())(somebody_does_what_fits)
    near_1 = rule(data=st.data())(somebody_nearly_fits)
    near_2 = rule(data=st.data())(somebody_nearly_fits)

    @precondition(lambda self: self.log)
    @rule(which=notices)
    def read(self, which):
        """What a reader's browser gets, and what an auditor computes."""
        facts, client = self.facts[which % len(self.facts)], Client()
        with time_machine.travel(self.now, tick=False):
            if facts["reference"]:
                page = client.get(f"/notices/{facts['reference']}/").content.decode()
                assert f'data-state="{state_of(facts, self.today)}"' in page
                assert f'data-edition="{len(facts["editions"])}"' in page
                assert ("尚未经第二人确认" in page) == (not facts["editions"][-1]["confirmed"])
        lines = [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]
        signed, editions = Checkpoint.objects.newest().note.encode(), Edition.objects.values_list("digest", "document")
        kept = {digest: bytes(document) for digest, document in editions}
        assert transparency.audit(lines, signed, [settings.LOG_VERIFIER_KEY], editions=kept).size == len(self.log)

    # -- what always holds

    @invariant()
    def the_public_sees_what_the_facts_say(self):
        shown = {}
        with time_machine.travel(self.now, tick=False):
            for notice in views.public_notices():
                card = views.card(notice, self.today)
                edition = card["edition"]
                shown[notice.reference] = (
                    edition.number,
                    (edition.opens_on, edition.closes_on),
                    str(card["state"]),
                    bool(notice.withdrawn_at),
                    edition.is_unconfirmed,
                )
        assert shown == {
            facts["reference"]: (
                len(facts["editions"]),
                (facts["editions"][-1]["opens"], facts["editions"][-1]["closes"]),
                state_of(facts, self.today),
                facts["withdrawn"],
                not facts["editions"][-1]["confirmed"],
            )
            for facts in self.facts
            if facts["editions"]
        }

    @invariant()
    def every_act_is_logged_once_and_in_order(self):
        entries = LogEntry.objects.values_list("sequence", "act", "reference", "edition")
        assert list(entries) == [(number, *act) for number, act in enumerate(self.log)]

    @invariant()
    def references_have_no_gap(self):
        given = PublicityNotice.objects.filter(reference__isnull=False).values_list("reference", flat=True)
        assert sorted(given) == [f"2026-{number:04d}" for number in range(1, len(given) + 1)]

    @invariant()
    def no_edition_is_by_one_person_alone_too_short_or_shorter_than_before(self):
        before = {}
        for edition in Edition.objects.select_related("notice__organisation").order_by("notice", "number"):
            organisation = [code for code, _ in ORGANISATIONS].index(edition.notice.organisation.code)
            assert edition.via != "review" or edition.published_by_id != edition.drafted_by_id
            assert edition.closes_on >= rule_end(organisation, edition.opens_on)
            opens, closes = before.get(edition.notice_id, (edition.opens_on, edition.closes_on))
            assert edition.opens_on == opens
            assert edition.closes_on >= closes
            before[edition.notice_id] = edition.opens_on, edition.closes_on


def play(runs: int, **options) -> None:
    """That many runs, the same ones every time."""
    first, second = (make_organisation(*names) for names in ORGANISATIONS)
    first.publicity_rules.create(length=LENGTHS[0], unit="working")
    second.publicity_rules.create(length=LENGTHS[1], unit="calendar", first_day_counts=False)
    for organisation in (first, second):
        make_office(organisation)
    for person in PEOPLE:
        make_user(person)
    Portal.done, Portal.refused = collections.Counter(), collections.Counter()
    chosen = hypothesis.settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        **options,
    )
    run_state_machine_as_test(Portal, settings=chosen)


def test_the_portal_does_what_the_model_says():
    play(RUNS)
    print(f"{RUNS} runs: done {dict(Portal.done)}, refused {dict(Portal.refused)}")
    assert not PublicityNotice.objects.exists()  # every run was rolled back
    enough = len(VERBS) if RUNS >= 500 else 9
    assert min(len(Portal.done), len(Portal.refused)) >= enough  # the runs got somewhere


def found_without(monkeypatch, path: str, replacement) -> str:
    """What the machine finds when a guard is taken away."""
    monkeypatch.setattr(path, replacement)
    with pytest.raises(Exception) as failure:  # noqa: PT011 – an assertion, or what the database itself refuses
        play(60, phases=[hypothesis.Phase.generate])
    return str(failure.value)


PUBLICITY = "notices.models.publicity.PublicityNotice"


@pytest.mark.parametrize(
    ("guard", "replacement", "found"),
    [
        ("_check_four_eyes", lambda *_, **__: None, "was done, but|notices_edition_four_eyes"),
        ("_check_publishable", lambda *_, **__: None, "was done, but|was refused|(?i:null)"),
        ("_confirmed_warnings", lambda *_: [], "was done, but"),
    ],
)
def test_the_control_a_guard_that_is_taken_away_is_missed(monkeypatch, guard, replacement, found):
    assert re.search(found, found_without(monkeypatch, f"{PUBLICITY}.{guard}", replacement))


def test_the_calendar_of_the_model_is_the_published_one():
    from notices.windows import Calendar

    calendar = Calendar()
    days = [START.date() + number * DAY for number in range(210)]
    assert [day for day in days if calendar.day(day).working != is_working(day)] == []
