"""What a replay makes room for, as a value that rests with its session."""

from __future__ import annotations

from msgspec import Struct

from anabranch.errors import UserFault

LATE_RATIO = 1.2  # what live appends may take, in times what they take while nobody reads old data


class Pressure(Struct, frozen=True):
    """How full a sink is: ``source`` yields a number, of which ``allowed`` is the most.

    ``source`` is ``cmd:SHELL COMMAND`` (the last line that it prints), or an HTTP URL: of a plain number, or
    with ``#metric`` or ``#metric{label="value"}`` of Prometheus' text.
    """

    source: str
    allowed: float

    @classmethod
    def parse(cls, text: str) -> Pressure:
        """``SOURCE=ALLOWED``, as in ``http://db:9187/metrics#pg_locks_count=50``. Raises UserFault."""
        source, equals, allowed = text.rpartition("=")
        try:
            number = float(allowed)
        except ValueError:
            number = 0.0
        if not (equals and number > 0 and number < float("inf")):
            raise UserFault(
                f"“{text}” is not SOURCE=ALLOWED with a positive number, as in "
                "http://db:9187/metrics#queue_length=50 or 'cmd:./backlog.sh=1000'"
            )
        if not source.startswith(("http://", "https://", "cmd:")) or source == "cmd:":
            raise UserFault(
                f"“{source}”: a pressure is read from an http(s) URL or from cmd:COMMAND"
            )
        return cls(source, number)


class Guards(Struct, frozen=True):
    """What is looked at once a second while a replay runs, and what is allowed of it.

    ``late_ratio``: live appends by the brokers' heartbeats, over what is usual; None to not look.
    ``metrics``: URLs of ``anabranch up --metrics``, for the p99 of Produce and Fetch (a Fetch includes
    its long poll). ``lag_s``: seconds that consumer groups may lag, of ``groups``, or of all that have members.
    A group that lagged more than that before may lag a fifth more than then. ``leave_cores``: processors that the session
    leaves to live brokers of its machine while they take appends; None: a quarter, one at least.
    """

    enabled: bool = False
    late_ratio: float | None = LATE_RATIO
    metrics: tuple[str, ...] = ()
    produce_p99_ms: float | None = None
    fetch_p99_ms: float | None = None
    lag_s: float | None = None
    groups: tuple[str, ...] = ()
    pressures: tuple[Pressure, ...] = ()
    leave_cores: int | None = None

    @property
    def late_percent_max(self) -> int:
        """The same for the pace of a broker of the session's own; 0: it paces itself for nobody."""
        if not self.enabled or self.late_ratio is None:
            return 0
        return max(101, round(100 * self.late_ratio))

    @property
    def cores_left(self) -> int | None:
        """As :attr:`leave_cores`; 0 where live appends are not looked at."""
        return self.leave_cores if self.late_percent_max else 0

    def check(self) -> Guards:
        """Itself. Raises UserFault for what says nothing or contradicts itself."""
        if self.late_ratio is not None and self.late_ratio <= 1:
            raise UserFault(
                f"live appends cannot be held to {self.late_ratio:g} times what is usual"
            )
        objectives = (self.produce_p99_ms, self.fetch_p99_ms)
        if self.metrics and objectives == (None, None):
            raise UserFault("say what the p99 may be: --live-produce-p99 or --live-fetch-p99")
        if objectives != (None, None) and not self.metrics:
            raise UserFault(
                "the p99 is read from a broker's metrics: name them with --live-metrics URL"
            )
        for number in (*objectives, self.lag_s):
            if number is not None and number <= 0:
                raise UserFault(f"{number:g} is no objective; it must be more than 0")
        if self.leave_cores is not None and self.leave_cores < 0:
            raise UserFault(f"{self.leave_cores} processors cannot be left to others; from 0 on")
        if self.groups and self.lag_s is None:
            raise UserFault("say how far these groups may lag: --live-lag, as in 30s")
        return self
