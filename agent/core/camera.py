"""The camera as the controller knows it: may it look, does it look, and what stands in its way.

Pure state with a clock: each method takes one fact and returns what is to be done about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from agent import effects
from agent.core import messages
from agent.errors import AgentError, CameraBusy
from agent.ports import Clock
from agent.settings import CameraSettings
from agent.timing import ToldOnce
from agent.translation import _
from agent.types import CameraState, Pause, Sight, Term, sight_of
from agent.wording import CAMERA_IN_USE, SCREEN_SHARED, TAKING_A_BREAK, sentence, what_stopped

BUSY_PATIENCE = 60.0
"""Seconds a camera may be busy before the user is told."""


class CameraControl:
    """Whether the camera is used: consent, the user's pause, the session, the device itself."""

    def __init__(self, clock: Clock, *, consent: bool, paused: bool) -> None:
        self._clock = clock
        self.consent = consent
        self.paused = paused
        self.paused_until: datetime | None = None
        self.paused_since: datetime | None = clock.now() if paused else None
        self._longest: float | None = None  # monotonic; a clock set back makes no pause longer
        self.on_break = False  # the music rests as well
        self.until_back = False  # the pause ends when the user is back at the computer
        self._left_by_music = False  # the pause is the rest of a break in which music was wanted
        self._alone: Pause | None = None  # of the camera alone, which a break fell into
        self._ended: Pause | None = None
        self.held_off: str | None = None  # by the session: locked, asleep
        self.idle = False  # that is since nobody uses the computer, as far as was known last
        self.gave_up = False  # the watcher failed too often and rests
        self.wanted = False
        self.camera = CameraState.OFF
        self.usable = True
        """It could be used when it was tried last."""
        self.problem: str | None = None
        self.on_battery = False
        self._busy_since: float | None = None
        self._told = ToldOnce()
        self._taken = False  # another program took it while we looked: a call
        self._call_with_music = False  # in this call, or with this shared screen, it is wanted

    @property
    def blind(self) -> bool:
        """The camera is busy or lost."""
        return self.camera in (CameraState.BUSY, CameraState.LOST)

    @property
    def blind_for(self) -> float:
        """Seconds for which the camera has been busy or lost; 0 when it is neither."""
        return 0.0 if self._busy_since is None else self._clock.monotonic() - self._busy_since

    @property
    def watching(self) -> bool:
        """True while the mood is seen: not while the camera is off, busy or lost.

        Nor by a watcher that gave up.
        """
        return self.wanted and not self.blind and not self.gave_up

    @property
    def sight(self) -> Sight:
        """Whether the face is looked at; if not, why."""
        return sight_of(
            self.camera,
            stopped=self.gave_up,
            on_break=self.on_break,
            allowed=self.consent,
            paused=self.paused,
            held_off=self.off_for is not None,
        )

    @property
    def obstacle(self) -> str | None:
        """Why nobody can be seen now, as a sentence; None: nothing stands in the way."""
        sight = self.sight
        if sight is Sight.STOPPED:
            return what_stopped("watcher")
        if sight is Sight.BREAK and self.consent:
            return _("You are taking a break. Begin again after it.")
        if sight is Sight.PAUSED and self.consent:
            return _("The camera is paused. Resume it and begin again.")
        if sight in (Sight.LOST, Sight.UNUSABLE) and self.problem is not None:
            return self.problem
        return sentence(self.unseen) if self.unseen else None

    @property
    def unseen(self) -> str:
        """Why the mood is not seen just now, as a clause; empty: it is looked for."""
        sight = self.sight
        match sight:
            case Sight.LOOKING | Sight.OPENING:
                return ""
            case Sight.STOPPED:
                return _("the part that looks has stopped")
            case Sight.BREAK:
                return _(TAKING_A_BREAK)
            case Sight.NOT_ALLOWED:
                return _("the camera is not allowed")
            case Sight.PAUSED:
                return _("the camera is paused")
            case Sight.HELD_OFF:
                assert self.off_for is not None
                return _("the camera rests, since {why}").format(why=_(self.off_for))
            case Sight.LOST:
                return _("the camera is gone")
            case Sight.UNUSABLE:
                return _("the camera cannot be used")
            case _:
                assert_never(sight)

    def interval(self, settings: CameraSettings) -> float:
        """Return the seconds between two looks."""
        return settings.interval_on_battery if self.on_battery else settings.interval

    def pause(
        self,
        until: datetime | None,
        *,
        on_break: bool = False,
        until_back: bool = False,
        since: datetime | None = None,
    ) -> None:
        """Do not look until then; None: until :meth:`resume`.

        ``until_back``: also until the session, once it was left, is used again. ``since``: when
        that was wished; None: now.
        """
        if not on_break:
            self._alone = None
        elif self.paused and not self.on_break and not self._left_by_music:
            self._alone = Pause(self.paused_until, self.until_back, since=self.paused_since)
        self.paused, self.paused_until = True, until
        self.paused_since = self._clock.now() if since is None else since
        self._longest = self._end_of(until)
        self.on_break, self.until_back = on_break, until_back
        self._left_by_music = False

    def take_up(self, alone: Term | None, on_break: Term | None) -> None:
        """Let go on what the user wished of a run before: for the camera alone, and a break.

        What this run was told at its start, to look at nothing, is newer than the former.
        """
        if alone is not None and not self.paused:
            self.pause(alone.until, since=alone.since)
        if on_break is not None:
            self.pause(on_break.until, on_break=True, since=on_break.since)

    @property
    def promised(self) -> tuple[Term | None, Term | None]:
        """What goes on after a restart: the pause of the camera alone, and the break.

        Whoever starts the agent is back: what lasts until then ends.
        """
        now = None
        if self.paused and not self.until_back:
            assert self.paused_since is not None
            now = Term(self.paused_since, self.paused_until)
        if not self.on_break:
            return now, None
        alone = self._alone_still
        if alone is None or alone.until_back:
            return None, now
        assert alone.since is not None
        return Term(alone.since, alone.until), now

    def resume(self) -> None:
        """End the user's pause; one of the camera alone that a break fell into goes on."""
        if not self.paused:
            return
        self._ended = Pause(self.paused_until, self.until_back, self.on_break)
        self.on_break = self.until_back = False
        self.paused_until = None
        self._left_by_music = False
        self.paused = self._pause_alone_again()

    def music_wanted(self) -> None:
        """End what lets the music rest, but not the camera: the user wants music now.

        Of a break the pause of the camera is left; in the next call the music rests again.
        """
        self._call_with_music = self._call is not None
        if not self.on_break:
            return
        self.on_break = False
        self._left_by_music = not self._pause_alone_again()

    def _pause_alone_again(self) -> bool:
        """Let the camera's own pause, into which a break fell, go on; False: there was none."""
        alone, self._alone = self._alone_still, None
        if alone is None:
            return False
        self.paused_until, self.until_back = alone.until, alone.until_back
        self.paused_since = alone.since
        self._longest = self._end_of(alone.until)
        return True

    def _end_of(self, until: datetime | None) -> float | None:
        """When that is, monotonic, by the wall clock of now."""
        if until is None:
            return None
        left = (until - self._clock.now()).total_seconds()
        return self._clock.monotonic() + max(0.0, left)

    def take_ended(self) -> Pause | None:
        """Return the pause that has ended since this was called last, for telling it."""
        ended, self._ended = self._ended, None
        return ended

    def session_changed(self, reason: str | None, *, idle: bool = False) -> None:
        """Take in that the session holds the camera off for this reason; None: no more.

        ``idle``: the reason is that nobody uses the computer.
        """
        self.held_off, self.idle = reason, idle
        self._end_wish_with_call()

    def _end_wish_with_call(self) -> None:
        """Let music rest again in the next call, once this one is over."""
        self._call_with_music = self._call_with_music and self._call is not None

    def user_is_back(self) -> None:
        """End a pause that was to last until then."""
        if self.until_back:
            self.resume()

    @property
    def off_for(self) -> str | None:
        """Why it does not look for a while, which is as it should be: the session, or a call."""
        return self.held_off or (CAMERA_IN_USE if self._taken else None)

    @property
    def comes_back(self) -> bool:
        """Whether the camera looks again after a break: allowed, not paused alone for longer."""
        alone = self._alone_still
        if alone is None:
            return self.consent
        ends, until = self.paused_until, alone.until
        return self.consent and ends is not None and until is not None and until <= ends

    @property
    def alone_until(self) -> datetime | None:
        """Until when the camera stays paused, however soon the break ends; None: no such time."""
        alone = self._alone_still
        return None if alone is None or not self.consent else alone.until

    @property
    def _alone_still(self) -> Pause | None:
        """The pause of the camera alone that a break fell into, unless its time is over."""
        alone = self._alone
        over = alone is not None and alone.until is not None and alone.until <= self._clock.now()
        return None if over else alone

    @property
    def after_break(self) -> Pause | None:
        """The pause of the camera alone that goes on after the break; None: it looks then."""
        return None if not self.consent or self.comes_back else self._alone_still

    @property
    def music_rests(self) -> str | None:
        """Why the music should rest as well: a break, a call, a shared screen."""
        if self.on_break:
            return TAKING_A_BREAK
        return None if self._call_with_music else self._call

    @property
    def _call(self) -> str | None:
        """The call or the shared screen that there is, as its reason to rest."""
        if self.held_off == SCREEN_SHARED:
            return SCREEN_SHARED
        return CAMERA_IN_USE if self._taken else None

    def steer(self) -> list[effects.Effect]:
        """Open or release the camera, if what is allowed has changed; empty: it has not."""
        wanted = self.consent and not self.paused and self.held_off is None
        if wanted == self.wanted:
            return []
        self.wanted = wanted
        return [effects.WatchCamera(wanted)]

    def camera_changed(self, state: CameraState, error: AgentError | None) -> list[effects.Effect]:
        """Take in what the device reports; trouble that does not pass by itself is told at once."""
        looked = self.camera is CameraState.ON
        self.camera = state
        if state is not CameraState.OFF:
            self.usable = state is CameraState.ON
        if state is CameraState.BUSY:
            self._taken = self._taken or (looked and isinstance(error, CameraBusy))
        elif state is not CameraState.LOST:
            self._taken = False
        self._end_wish_with_call()
        if not self.blind:
            self._busy_since = None
            self._told.well()
            self.problem = None
            return []
        if self._busy_since is None:
            self._busy_since = self._clock.monotonic()
        if self._taken:
            self.problem = None  # a call is no trouble
            return []
        self.problem = error.message if error else _("The camera gives no picture")
        # Another program lets the camera go by itself; a wrong name does not come right.
        passing = state is CameraState.LOST or isinstance(error, CameraBusy)
        if error is None or passing or not self._told.is_news():
            return []
        return [effects.Notify(messages.trouble(error))]

    def tick(self) -> list[effects.Effect]:
        """End a pause that has run out; tell of a camera that has been busy for long."""
        end = self._end
        if end is not None and self._clock.monotonic() >= end:
            self.resume()
        long = self._busy_since is not None and self.blind_for >= BUSY_PATIENCE
        if not long or self.problem is None or not self._told.is_news():
            return []
        return [effects.Notify(messages.camera_unavailable(self.problem))]

    @property
    def _end(self) -> float | None:
        """When the pause ends by itself, monotonic.

        By the wall clock, as it was told: the other one stands still while some systems sleep.
        """
        end = self._end_of(self.paused_until)
        return end if end is None or self._longest is None else min(end, self._longest)

    @property
    def deadlines(self) -> list[float]:
        """Monotonic times at which :meth:`tick` has something to do."""
        times = [] if self._end is None else [self._end]
        trouble = self._busy_since is not None and self.problem is not None
        if trouble and not self._told.was_told():
            assert self._busy_since is not None
            times.append(self._busy_since + BUSY_PATIENCE)
        return times
