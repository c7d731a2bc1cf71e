"""For what takes much memory for a moment: a worker keeps little of it."""

import functools
import gc
import threading


def sparing(make):
    """`make`, one at a time in each process, and what it leaves behind is given back at once: a Word file in the making
    is full of cycles, hundreds of which would wait for the collector."""
    alone = threading.Lock()

    @functools.wraps(make)
    def made(*arguments, **named):
        with alone:
            try:
                return make(*arguments, **named)
            finally:
                gc.collect()  # a millisecond where the rest is frozen, see portal/wsgi.py

    return made
