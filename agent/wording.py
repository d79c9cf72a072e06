"""How moods are called when we speak to people: "You look <word>"."""

from __future__ import annotations

from agent.types import MoodState

MOOD_WORDS: dict[MoodState, str] = {
    MoodState.ANGRY: "angry",
    MoodState.DISGUST: "disgusted",
    MoodState.FEAR: "afraid",
    MoodState.HAPPY: "happy",
    MoodState.SAD: "sad",
    MoodState.SURPRISE: "surprised",
    MoodState.NEUTRAL: "neutral",
    MoodState.UNSURE: "hard to read",
    MoodState.AWAY: "away",
}


def describe(state: MoodState) -> str:
    """Describe a state: "you look happy", "your mood is hard to read", "nobody is here"."""
    if state is MoodState.AWAY:
        return "nobody is in front of the camera"
    if state is MoodState.UNSURE:
        return "your mood is hard to read just now"
    return f"you look {MOOD_WORDS[state]}"


_PARTS: dict[str, str] = {
    "watcher": "Looking through the camera",
    "player": "Playing music",
    "session": "Noticing a locked screen",
    "bus": "Answering programs on the session bus",
    "commands": "Taking commands such as 'moodtray status'",
    "page": "Showing the page in a browser",
}


def what_stopped(worker: str) -> str:
    """Say what no longer works since that worker gave up, as a sentence."""
    return f"{_PARTS.get(worker, f'The {worker}')} stopped after repeated failures."


def part_stopped(worker: str) -> str:
    """Say what no longer works since that worker gave up, and how it may work again."""
    text = f"{what_stopped(worker)} 'Start again' in the tray's menu tries anew"
    # That command would not arrive.
    return f"{text}." if worker == "commands" else f"{text}, and so does 'moodtray resume'."
