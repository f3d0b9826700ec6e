"""PostgreSQL's errors, translated into errors with an owner and a sentence for a person."""

from __future__ import annotations

import psycopg

from anabranch.errors import AnabranchError, Corrupt, StoreFault

_LOST = {
    "57P01",  # admin_shutdown: the server stops or restarts
    "57P02",  # crash_shutdown: another of its processes died
    "57P03",  # cannot_connect_now: it starts
    "57P05",  # idle_session_timeout
    "25P03",  # idle_in_transaction_session_timeout: we were paused
    "25006",  # read_only_sql_transaction: this one is a standby by now; the URL may name others
    "53300",  # too_many_connections
}
_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected: rolled back, run it again
_REFUSED = {"28P01", "28000"}  # invalid_password, invalid_authorization_specification


def is_lost(error: BaseException) -> bool:
    """The connection is of no use any more; whether its last statement happened is not known."""
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state in _LOST or state.startswith("08")


def is_again(error: BaseException) -> bool:
    """The transaction was rolled back because of another one: running it again will help."""
    return isinstance(error, psycopg.Error) and error.sqlstate in _AGAIN


def translate(error: psycopg.Error, place: str) -> AnabranchError | None:
    """The fault that ``error`` stands for; None if it is our own bug (bad SQL, broken constraint)."""
    state = error.sqlstate or ""
    if is_lost(error):
        return StoreFault(f"the metastore {place} is away: {sentence(error)}")
    if is_again(error):
        return StoreFault(f"the metastore {place} is busy: {sentence(error)}")
    if state == "53100":
        return StoreFault(
            f"the disk of the metastore {place} is full; "
            "nothing acknowledged is lost, free some space to go on"
        )
    if state == "57014" or state == "55P03":
        return StoreFault(f"the metastore {place} took too long: {sentence(error)}")
    if state in _REFUSED or state == "42501":
        return StoreFault(f"the metastore {place} refuses: {sentence(error)}", retryable=False)
    if state.startswith("XX00") and state != "XX000":
        return Corrupt(f"the metastore {place} is damaged: {sentence(error)}")
    if state.startswith(("53", "58", "57")):
        return StoreFault(f"the metastore {place} failed: {sentence(error)}")
    return None


def sentence(error: BaseException) -> str:
    """The first line of an error's text, without the driver's prefixes."""
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    return line.rsplit("FATAL:  ", 1)[-1].removeprefix("ERROR:  ")
