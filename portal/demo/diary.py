"""What happened when: written in any order, carried out in the order of time."""

import collections.abc
import datetime


class Diary:
    def __init__(self):
        self.entries = []

    def note(self, at: datetime.datetime, act: collections.abc.Callable, **said) -> None:
        """At that time `act(at=at, **said)` happened."""
        self.entries.append((at, act, said))

    def play(self) -> None:
        """Carry out every entry, so that references and editions are numbered as they would have been."""
        for at, act, said in sorted(self.entries, key=lambda entry: entry[0]):
            act(at=at, **said)
