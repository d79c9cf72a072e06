"""What happened between two readings of a player, and whose choice the music is. Pure.

A player tells states, not events, and a remote one tells them late and seldom. So events are
inferred from two readings, the clock and what we ourselves commanded last:

* For ECHO_WINDOW seconds after a command of ours changes are its echo -- unless they lead to a
  context that is neither the one before nor the one we asked for: that is the user.
* Another context: the user chose something else. None instead of it at the predicted end: the
  playlist ran out and the player goes on by itself.
* The next track at the predicted end: the track ended; before it: skipped.
* Not playing in mid-track: the user paused (never restart). Not playing at the predicted end:
  the playlist ended.
* No device at the predicted end: ended as well; at any other time: the device went away.
* A player that only we command has no other hand in it: where no command of ours explains it, a
  track broke off, or nothing more could be played.

Where two readings cannot tell, the answer that leaves the music alone is taken.

Paused music at the first look, or on a device that appears, is silence like any other: a pause by
hand is one that was seen, and it is kept until music plays. A device that goes in the middle of its
music was seen, too: somebody closed it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.types import Chooser, Command, Happening, Playback, PlayState

ECHO_WINDOW = 6.0
"""Seconds for which changes after a command of ours are taken as its effect."""
LATE_ECHO = 30.0
"""Until then a change to the very playlist we asked for is still ours: slow devices."""
END_SLACK = 3.0
"""Seconds by which a remote player's positions may be off around a track's end."""
REST_SLACK = 0.5
"""A player that came to rest by itself stands that near to a track's very start or end."""
STOP_SLACK = 1.0
"""As END_SLACK for a stop: tighter, since a user's stop must not be taken for an end."""

BLIND = 90.0
"""Seconds behind a predicted end after which a first reading no longer tells of it; readings are
60 s apart at most, and a failed one is repeated after 30 s."""


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """Our latest command. ``playlist`` is the uri that was asked for, None for pause, resume."""

    time: float
    kind: Command
    playlist: str | None = None

    def asked_for(self, playback: Playback) -> bool:
        """Tell whether ``playback`` shows what this command started."""
        return (
            self.kind is Command.PLAY
            and self.playlist is not None
            and playback.shows(self.playlist)
        )


def what_happened(
    before: Playback | None, after: Playback, *, now: float, own: OwnCommand | None = None
) -> Happening:
    """Infer the change from ``before`` to ``after``.

    ``before`` is as :func:`attribute` returned it; None: never read. ``now`` is the clock's
    monotonic time, ``own`` our latest command.
    """
    if before is not None and _gave_out(before, after):
        return Happening.CONTEXT_ENDED
    if own is not None and (0.0 <= now - own.time <= LATE_ECHO or _first_heard(before, after, own)):
        echo = _echo(before, after, now - own.time, own)
        if echo is not None:
            return echo
    if before is None:
        return Happening.NOTHING
    if after.state is PlayState.UNAVAILABLE:
        return _vanished(before, after)
    if before.state is PlayState.UNAVAILABLE:
        return Happening.STARTED if after.state is PlayState.PLAYING else Happening.DEVICE_CHANGED
    if before.state is PlayState.PLAYING:
        if after.state is PlayState.PLAYING:
            return _played_on(before, after)
        return _fell_silent(before, after)
    if after.state is PlayState.PLAYING:
        return _began(before, after)
    return _stayed_silent(before, after, own)


def attribute(
    before: Playback | None, after: Playback, happening: Happening, own: OwnCommand | None = None
) -> Playback:
    """Fill in ``chosen_by``, ``chosen_since`` and ``paused_by_hand`` of ``after``.

    While no device is there the context that was last heard is kept, so that its return is
    recognised. Our own pause counts as the user's hand: Moodtray pauses only when told to.
    """
    hand = _paused_by_hand(before, after, happening, own)
    if after.state is PlayState.UNAVAILABLE:
        if before is None or happening is Happening.CONTEXT_ENDED:
            return replace(after, chosen_by=Chooser.UNKNOWN, chosen_since=None, paused_by_hand=hand)
        return replace(
            after,
            context=before.context,
            context_name=before.context_name,
            chosen_by=before.chosen_by,
            chosen_since=before.chosen_since,
            paused_by_hand=hand,
        )
    chooser, since = _choice(before, after, happening, own)
    return replace(after, chosen_by=chooser, chosen_since=since, paused_by_hand=hand)


def _choice(
    before: Playback | None, after: Playback, happening: Happening, own: OwnCommand | None
) -> tuple[Chooser, float | None]:
    if happening is Happening.ECHO and own is not None and own.asked_for(after):
        return Chooser.AGENT, own.time
    if happening is Happening.USER_CHOSE:
        return Chooser.USER, after.time
    if before is None:
        return Chooser.UNKNOWN, None
    same = before.context == after.context
    if happening is Happening.STARTED:
        back_again = before.state is PlayState.UNAVAILABLE or before.paused_by_hand
        if not (same and after.context is not None and back_again):
            return Chooser.USER, after.time
    if happening is Happening.CONTEXT_ENDED:
        # The user's choice held until its end. That our own ran out stays known in the silence.
        if before.chosen_by is Chooser.AGENT and after.state is not PlayState.PLAYING:
            return Chooser.AGENT, before.chosen_since
        return Chooser.UNKNOWN, None
    return (before.chosen_by, before.chosen_since) if same else (Chooser.UNKNOWN, None)


def _paused_by_hand(
    before: Playback | None, after: Playback, happening: Happening, own: OwnCommand | None
) -> bool:
    if after.state is PlayState.PLAYING or happening is Happening.CONTEXT_ENDED:
        return False
    if happening in (Happening.PAUSED, Happening.USER_CHOSE):
        return True
    if happening is Happening.ECHO and own is not None and own.kind is Command.PAUSE:
        return True
    if happening is Happening.DEVICE_GONE and before is not None:
        return before.paused_by_hand or before.state is PlayState.PLAYING
    return before is not None and before.paused_by_hand


def _first_heard(before: Playback | None, after: Playback, own: OwnCommand) -> bool:
    """Tell whether the first reading after a command, however late, shows what we asked for."""
    unread = before is not None and before.time <= own.time
    return unread and after.state is PlayState.PLAYING and own.asked_for(after)


def _echo(
    before: Playback | None, after: Playback, age: float, own: OwnCommand
) -> Happening | None:
    """Judge the effect of our command ``age`` seconds ago; None: like any other change."""
    ours = own.asked_for(after)
    if age > ECHO_WINDOW:
        late = ours and before is not None and before.context != after.context
        return Happening.ECHO if late else None
    if before is None:
        return Happening.ECHO if ours else Happening.NOTHING
    if ours:
        heard = before.chosen_by is Chooser.AGENT and before.context == after.context
        if heard and _ended_on_time(before, after):
            return Happening.TRACK_ENDED
        settled = heard and before.visible == after.visible
        return Happening.NOTHING if settled else Happening.ECHO
    if _found_no_next(before, after, own):
        return Happening.CONTEXT_ENDED
    # From silence a foreign context may be what the device last had loaded: not yet the user.
    if None not in (before.context, after.context) and before.context != after.context:
        return Happening.USER_CHOSE
    return Happening.NOTHING if before.visible == after.visible else Happening.ECHO


def _found_no_next(before: Playback, after: Playback, own: OwnCommand) -> bool:
    """Tell whether silence came of the wish for a next track: nobody wished for silence."""
    was_loaded = before.state in (PlayState.PLAYING, PlayState.PAUSED)
    return own.kind is Command.NEXT and was_loaded and after.state is PlayState.STOPPED


def _gave_out(before: Playback, after: Playback) -> bool:
    """Tell whether a player that only we command, and which knows no stop, fell silent."""
    was_heard = before.state is PlayState.PLAYING
    return after.ours_alone and was_heard and after.state is PlayState.STOPPED


def _vanished(before: Playback, after: Playback) -> Happening:
    if before.state is PlayState.UNAVAILABLE:
        return Happening.NOTHING
    ended = _end_passed(before, after.time, END_SLACK)
    return Happening.CONTEXT_ENDED if ended else Happening.DEVICE_GONE


def _played_on(before: Playback, after: Playback) -> Happening:
    if after.context != before.context:
        if after.context is None and _end_passed(before, after.time, END_SLACK):
            return Happening.CONTEXT_ENDED
        return Happening.USER_CHOSE
    if after.track != before.track:
        return _next_track(before, after)
    if _repeated(before, after):
        return Happening.TRACK_ENDED
    return _device(before, after)


def _ended_on_time(before: Playback, after: Playback) -> bool:
    """Tell whether a short track of ours ended while the command's echo is still awaited."""
    both = before.state is PlayState.PLAYING and after.state is PlayState.PLAYING
    return both and _played_on(before, after) is Happening.TRACK_ENDED


def _next_track(before: Playback, after: Playback) -> Happening:
    end = _predicted_end(before)
    if end is None or after.ours_alone:  # cannot be told, or was nobody
        return Happening.TRACK_ENDED
    began = after.time - (after.position or 0.0)
    return Happening.TRACK_ENDED if began >= end - END_SLACK else Happening.SKIPPED


def _repeated(before: Playback, after: Playback) -> bool:
    """Tell whether the same track ended and began again (a loop, a playlist of one)."""
    end = _predicted_end(before)
    if end is None or after.position is None or before.position is None or not before.duration:
        return False
    slack = min(END_SLACK, before.duration / 4)
    overrun = after.time - end
    straight_on = before.position + (after.time - before.time)
    if overrun < -slack or after.position > straight_on - slack:
        return False
    off = abs(after.position - max(0.0, overrun) % before.duration)
    return min(off, before.duration - off) <= slack


def _fell_silent(before: Playback, after: Playback) -> Happening:
    if after.state is PlayState.STOPPED:
        ended = _end_passed(before, after.time, STOP_SLACK)
        return Happening.CONTEXT_ENDED if ended else Happening.PAUSED
    if after.context is not None and after.context != before.context:
        return Happening.USER_CHOSE
    if _end_passed(before, after.time, END_SLACK) and _at_rest(after):
        return Happening.CONTEXT_ENDED
    return Happening.PAUSED


def _began(before: Playback, after: Playback) -> Happening:
    if before.state is PlayState.STOPPED:
        return Happening.STARTED
    if after.context != before.context:
        return Happening.USER_CHOSE
    # In mid-track it can only have been paused; at its very start or end it had run out.
    resumed = before.paused_by_hand or not _at_rest(before)
    return Happening.RESUMED if resumed else Happening.STARTED


def _stayed_silent(before: Playback, after: Playback, own: OwnCommand | None) -> Happening:
    if after.state is PlayState.STOPPED:
        return Happening.NOTHING
    if after.context is not None and after.context != before.context:
        return Happening.USER_CHOSE
    if before.state is PlayState.PAUSED and _outlasted_echo(before, own):
        return Happening.PAUSED
    return _device(before, after)


def _outlasted_echo(before: Playback, own: OwnCommand | None) -> bool:
    """Tell whether a pause that was read as the echo of a command is still there: the user's."""
    return (
        own is not None
        and own.kind is not Command.PAUSE
        and not before.paused_by_hand
        and 0.0 <= before.time - own.time <= ECHO_WINDOW
    )


def _device(before: Playback, after: Playback) -> Happening:
    if before.device and after.device and before.device != after.device:
        return Happening.DEVICE_CHANGED
    return Happening.NOTHING


def _predicted_end(playback: Playback) -> float | None:
    left = playback.time_left(playback.time)
    return None if left is None else playback.time + left


def _end_passed(before: Playback, time: float, slack: float) -> bool:
    """Tell whether ``time`` is at the predicted end.

    Not long behind it: who did not look cannot know the end from a user's pause in a later track.
    """
    end = _predicted_end(before)
    return end is not None and end - slack <= time <= end + BLIND


def _at_rest(playback: Playback) -> bool:
    """Tell whether it stands where a player that ran out does: at a track's very start or end."""
    if playback.position is None:
        return False
    at_end = playback.duration is not None and playback.position >= playback.duration - REST_SLACK
    return at_end or playback.position <= REST_SLACK
