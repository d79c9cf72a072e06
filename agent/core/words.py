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
    """One short clause: "you look happy", "your mood is hard to read", "nobody is here"."""
    if state is MoodState.AWAY:
        return "nobody is in front of the camera"
    if state is MoodState.UNSURE:
        return "your mood is hard to read just now"
    return f"you look {MOOD_WORDS[state]}"
