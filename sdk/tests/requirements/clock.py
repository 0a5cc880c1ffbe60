# SPDX-License-Identifier: Apache-2.0
"""The clock of sdk-put-held (../put/held.c): a row moves it, and sees who waits for it."""
import ctypes
import math
import mmap
import time

PATIENCE = 120  # seconds until a step that never ends counts as hung; no step is judged by it


class Failed(Exception):
    pass


def until(what, condition):
    """Until condition() holds; it is looked at again and again."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failed("it never came: " + what)
        time.sleep(0.001)


MS = 1_000_000
WAITS, NOT_YET = 63, 2**64 - 1


class Clock:
    """The clock of sdk-put-held: it stands still but for move(). Milliseconds."""
    def __init__(self, path):
        size = 24 * (1 + WAITS)
        with open(path, "w+b") as file:
            file.truncate(size)
            self.words = (ctypes.c_uint64 * (size // 8)).from_buffer(mmap.mmap(file.fileno(), size))
        self.path = path

    def now(self):
        return self.words[0] / MS

    def waits(self):
        """Until when, what it saw when it looked last, whether it does the row's lines."""
        return [self.words[3 + 3 * i:6 + 3 * i] for i in range(WAITS)]

    def left(self, caller=False):
        """How long each thread that waits for a time has still to wait; caller: only the one that
        does what the row's lines say."""
        now = self.words[0]
        return [(until - now) / MS for until, _, by_caller in self.waits()
                if until not in (0, NOT_YET) and by_caller >= caller]

    def looks(self, but):
        """The same, without those that wait until the time but."""
        return [ms for ms in self.left() if ms > 0 and self.now() + ms != but]

    def wait_for(self, least, most=None, caller=False):
        """Until some thread waits for so long, exactly or within these bounds; how long."""
        most = least if most is None else most
        found = []

        def is_waited_for():
            found[:] = [ms for ms in self.left(caller) if least <= ms <= most]
            return found
        until("a thread that waits for %s to %s ms" % (least, most), is_waited_for)
        return found[0]

    def move(self, ms):
        """Forward; returns when all that still wait have seen it, and the others wait no more."""
        self.words[0] += math.ceil(ms) * MS
        until("that everybody has looked at the clock", self.is_seen)

    def is_seen(self):
        now = self.words[0]
        return all(end == 0 or end != NOT_YET and end > now and looked == now
                   for end, looked, _ in self.waits())
