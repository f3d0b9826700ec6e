"""Who runs this process: told by its user id, which the environment does not change.

``getpass.getuser`` believes ``LOGNAME``; with it a change that somebody else has to approve could be approved by whoever
made it, and the audit log would say so.
"""

from __future__ import annotations

import os
import pwd


def name() -> str:
    """The operating system's user, or its number where it has no name, as in many containers."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid-{number}"
