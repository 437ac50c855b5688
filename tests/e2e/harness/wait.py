# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, with a deadline."""
import time


def until(condition, seconds, what, pause_seconds=0.05):
    """Calls condition() until it gives something true, and returns that. AssertionError after `seconds`.

    What the condition raises counts as "not yet"; the last such error is part of the message.
    """
    deadline = time.monotonic() + seconds
    while True:
        error = None
        try:
            value = condition()
            if value:
                return value
        except Exception as e:  # the thing waited for may fail in any way before it works
            error = e
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}" + (f" (last error: {error!r})" if error else ""))
        time.sleep(pause_seconds)
