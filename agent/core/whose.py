"""Whose choice the music is, and whether it was paused by hand. Pure.

Paused music at the first look, or on a device that appears, is silence like any other: a pause by
hand is one that was seen, and it is kept until music plays. A device that goes in the middle of its
music was seen, too: somebody closed it.
"""

from __future__ import annotations

from dataclasses import replace

from agent.players.changes import Command, OwnCommand
from agent.types import Chooser, Happening, Playback, PlayState


def attribute(
    before: Playback | None, after: Playback, happening: Happening, own: OwnCommand | None = None
) -> Playback:
    """``after`` with ``chosen_by``, ``chosen_since`` and ``paused_by_hand`` filled in.

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
