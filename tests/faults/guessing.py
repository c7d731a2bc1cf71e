"""Guessing receipt codes at the tracking page: does any hit, and does the time of the answer tell anything?"""

import random
import statistics
import time

from django.test import RequestFactory

from notices.models import PublicityNotice
from objections import receipts, tracking
from objections.models import Objection
from tests.make import make_objection

STORED = 200
BY_THE_CLOCK = " by the clock"


def campaign(guesses: str, rounds: str, control: str = "", seed: int = 102) -> dict:
    """Hits among that many guesses, and medians of `rounds` interleaved answers of each kind, in milliseconds.

    A near miss is a stored code with its last character changed. `control` "planted" puts one real code among the
    guesses, "slow" lets the look-up dawdle over near misses: both must be seen.
    """
    chance = random.Random(seed)
    tokens = [f"guessing {number}" for number in range(STORED)]
    for token in tokens:
        make_objection(PublicityNotice.objects.first(), token, content=f"[{token.split()[1]}] 垃圾没有清运。")
    real = [receipts.code_for(token) for token in tokens]
    tried = [shaped(chance) for _ in range(int(guesses))]
    if control == "planted":
        tried[chance.randrange(len(tried))] = chance.choice(real)
    if control == "slow":
        dawdle(real)
    kinds = {
        "right shape": lambda: shaped(chance),
        "right shape again": lambda: shaped(chance),
        "near miss": lambda: near(chance, chance.choice(real)),
        "wrong shape": lambda: "".join(chance.choices(receipts.ALPHABET, k=27)),
    }
    answers = interleaved(kinds, ask, int(rounds), chance)
    looked_up = interleaved(
        {"stored": lambda: chance.choice(real), "not stored": lambda: shaped(chance)},
        Objection.objects.by_code,
        int(rounds),
        chance,
    )
    hits = sum(ask(code) != 422 for code in tried)
    return {"guesses": len(tried), "hits": hits, **medians(answers), **medians(looked_up)}


def shaped(chance) -> str:
    return "".join(chance.choices(receipts.ALPHABET, k=receipts.LENGTH))


def near(chance, code: str) -> str:
    return code[:-1] + chance.choice([each for each in receipts.ALPHABET if each != code[-1]])


_requests = RequestFactory()
_asked = iter(range(10**9))


def ask(code: str) -> int:
    """The status of the real view's answer; every question comes from another address."""
    number = next(_asked)
    address = f"127.{2 + number // 62500 % 250}.{number // 250 % 250}.{number % 250 + 1}"
    request = _requests.post("/objections/track/", {"code": code}, REMOTE_ADDR=address, HTTP_HOST="127.0.0.1")
    return tracking.track(request).status_code


def interleaved(kinds: dict, act, rounds: int, chance) -> dict[str, list[float]]:
    """kind → milliseconds of the processor, measured in turn in an order that is drawn anew each round.

    Of the processor, because what else the machine does would hide a gap; waiting for PostgreSQL is in "by the clock".
    """
    times = {f"{name}{how}": [] for name in kinds for how in ("", BY_THE_CLOCK)}
    for _ in range(rounds):
        for name in chance.sample(list(kinds), len(kinds)):
            code = kinds[name]()
            started, clock = time.thread_time(), time.perf_counter()
            act(code)
            times[name].append((time.thread_time() - started) * 1000)
            times[name + BY_THE_CLOCK].append((time.perf_counter() - clock) * 1000)
    return times


def medians(times: dict[str, list[float]]) -> dict:
    """name → median and the half-width of its 95 % interval (from order statistics), in milliseconds."""
    return {f"{name} (ms)": [round(each, 3) for each in median(found)] for name, found in times.items()}


def median(found: list[float]) -> tuple[float, float]:
    ordered, spread = sorted(found), 0.98 * len(found) ** 0.5
    low, high = (round(len(found) / 2 + sign * spread) for sign in (-1, 1))
    width = ordered[min(high, len(found) - 1)] - ordered[max(low, 0)]
    return statistics.median(ordered), width / 2


def gap(findings: dict, one: str, other: str) -> float:
    """How far two medians are apart, in milliseconds."""
    return abs(findings[f"{one} (ms)"][0] - findings[f"{other} (ms)"][0])


def dawdle(real: list[str]) -> None:
    """The control: a look-up that takes longer the more of a stored code is right."""
    inner, known = Objection.objects.by_code, {receipts.normalise(code)[:-1] for code in real}

    def by_code(code):
        if (receipts.normalise(code) or "")[:-1] in known:
            end = time.thread_time() + 0.004
            while time.thread_time() < end:
                pass
        return inner(code)

    Objection.objects.by_code = by_code
