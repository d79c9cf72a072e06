"""The one owner of state: events in, effects out, a snapshot after each.

It does no I/O and knows no thread: :meth:`Controller.handle` takes one event and returns what is to
be done; :meth:`Controller.tick` is called when :attr:`Controller.deadline` has come. So whole days
are tested as lists of events. ``agent.app.engine`` owns the queue and carries the effects out.

The state lies in parts that know neither the controller nor each other: ``camera``, ``mood``,
``music`` and ``workers`` (those that gave up), all in this room. What passes from one to the other
passes through here; ``snapshot`` puts together what is shown of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from agent import effects, events
from agent.core import calibration, messages
from agent.core.calibration import Lessons
from agent.core.camera import CameraControl
from agent.core.circumplex import affect
from agent.core.journey import Journeys
from agent.core.mood import MoodTracker, OwnWord
from agent.core.mood_filter import UNKNOWN, Calibration, certainty
from agent.core.music import MusicControl
from agent.core.person import STRANGER, Person
from agent.core.policy import Listener
from agent.core.snapshot import take_snapshot
from agent.core.trial import quickened
from agent.core.workers import NEEDED, WorkerStates
from agent.errors import AgentError, PlaylistGone
from agent.ports import Clock
from agent.settings import Settings
from agent.types import (
    NOTHING_PROMISED,
    CameraState,
    Command,
    Decision,
    Happening,
    Mood,
    MoodState,
    NotificationKind,
    Observation,
    Promised,
    Reply,
    Sight,
    Snapshot,
)
from agent.wording import TAKING_A_BREAK, what_stopped

MUSIC_WISHES = (
    events.PlayForMood,
    events.NextPlaylist,
    events.NextTrack,
    events.PlayPlaylist,
    events.PauseMusic,
    events.ResumeMusic,
    events.UndoSwitch,
)
"""What the user may want of the player."""


BLIND_FOR = 40.0
"""Seconds without a camera after which the old looks say nothing about now."""


class Controller:
    """See the module. One thread calls it: the controller's."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        consent: bool = True,
        asked: bool = False,
        camera_paused: bool = False,
        calibration: Calibration = UNKNOWN,
        autostart: bool | None = None,
        person: Person = STRANGER,
        journey: Mapping[str, object] | None = None,
        promised: Promised = NOTHING_PROMISED,
    ) -> None:
        """``promised``: what a run before has promised the user, of which some may be over."""
        self._settings = settings
        self._clock = clock
        self._trial_until: float | None = None  # the user tries the program out
        self._lesson_asked = False  # just now
        self._learn_again = False  # with the next lesson: forgetting the face has ended it
        self._set_out = False  # on a journey at the user's wish, in this run
        self._set_out_after: Decision | None = None  # the latest change then
        self._decided_unseen = ""  # why nobody looked when it was decided last, as a clause
        self._camera = CameraControl(clock, consent=consent, paused=camera_paused)
        self._mood_tracker = MoodTracker(clock, calibration, person)
        self._music = MusicControl(clock, asked=asked)
        self._journeys = Journeys(clock, journey)
        self._lessons = Lessons(clock)
        self._preview = False
        self._preview_waits = False  # for the end of the pause that it was wished in
        self._unwatched = True  # the history knows that no mood is read or said
        self._autostart = autostart
        self._workers = WorkerStates()
        self._settings_problem: str | None = None
        self._snapshot: Snapshot | None = None
        self._pace = effects.SetInterval(settings.camera.interval)
        self._out: list[effects.Effect] = []
        self._break_wished: tuple[datetime | None, bool] | None = None  # and not answered
        self._goes_on: list[effects.Effect] = []  # the music, now that its rest is over
        self._answer: Reply | None = None  # the latest to a wish
        self._answers = 0
        self._deletions = 0  # of the history, or of some of it
        self._promised = promised  # as it was stored last
        self._still_rests = self._take_up(promised.left(clock.now()), asked)

    # -- for the app

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._settings

    @property
    def consent(self) -> bool:
        """True when the camera may be used at all."""
        return self._camera.consent

    @property
    def person(self) -> Person:
        """Whose face the looks are read as just now. Any thread: it is a value."""
        return self._mood_tracker.person_in_force

    @property
    def snapshot(self) -> Snapshot:
        """The present picture of the whole."""
        return self._make_snapshot()

    def begin(self) -> list[effects.Effect]:
        """Return the first effects, before any event."""
        self._out = []
        if not self._camera.consent:
            self._out.append(effects.AskConsent())
        self._steer_rest()
        if self._still_rests:
            self._tell_what_goes_on()
        self._steer_camera()
        return self._finish()

    def handle(self, event: events.Event) -> list[effects.Effect]:
        """Take in one event; returns what is to be done about it, in order."""
        self._out = []
        if isinstance(event, MUSIC_WISHES):  # which are newer than a rest that is about to begin
            self._steer_rest(reads=False)
            self._answer_break()
        rested = self._music.rests is not None
        self._dispatch(event)
        if self._music.heard_at_rest:
            self._leave_rest()
        if rested and self._music.rests is None:
            self._decide()
        self._steer_rest()
        self._answer_break()
        self._tell_pause_ended(asked=isinstance(event, events.ResumeCamera))
        self._steer_camera()
        self._steer_lesson()
        return self._finish()

    def tick(self) -> list[effects.Effect]:
        """Let time pass: end what has run out and look again."""
        self._out = [*self._mood_tracker.tick(self._camera.watching), *self._camera.tick()]
        self._music.tick()
        self._out += self._journeys.tick(
            self._mood.state, self._settings.response, seen=self._listener.knows
        )
        if self._trial_until is not None and self._clock.monotonic() >= self._trial_until:
            self._try_for(0.0)
        self._steer_rest()
        self._answer_break()
        self._tell_pause_ended()
        self._decide()
        self._lessons.tick()
        self._steer_camera()
        self._steer_lesson()
        return self._finish()

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which :meth:`tick` has something to do; None: nothing is pending."""
        music = self._music.deadlines(self._in_force.policy)
        trial = [] if self._trial_until is None else [self._trial_until]
        own = [*self._camera.deadlines, *self._mood_tracker.deadlines, *self._lessons.deadlines]
        journey = self._journeys.deadline(self._settings.response, seen=self._listener.knows)
        own += [] if journey is None else [journey]
        return min([*own, *music, *trial], default=None)

    # -- one case an event

    def _dispatch(self, event: events.Event) -> None:
        if isinstance(event, MUSIC_WISHES) and self._workers.lacks("player"):
            self._out.append(effects.Notify(messages.worker_gave_up("player", asked=True)))
            return
        match event:
            case events.Observed(observation):
                self._observed(observation)
            case events.CameraChanged(state, error):
                self._camera_changed(state, error)
            case events.PlaybackChanged(playback, happening):
                step = self._journeys.step
                led = step is not None and self._music.is_for(step)
                self._out += self._music.playback_changed(playback, happening)
                self._out += self._journeys.happened(
                    happening,
                    self._mood.state,
                    self._settings.response,
                    led=led,
                    seen=self._listener.knows,
                )
                self._decide(happening)
            case events.PlaylistStarted(playlist, playback):
                self._out += self._music.playlist_started(playlist, playback)
                if self._music.decided_otherwise:
                    self._decide()
            case events.PlayDropped(playlist):
                if self._music.dropped(playlist):
                    self._decide()
            case events.PlayerFailed(error, playlist, command):
                self._out += self._music.failed(error, playlist, command)
                if isinstance(error, PlaylistGone) or command is Command.RESUME:
                    self._decide()
            case events.PlaylistBack(playlist):
                self._out += self._music.playlist_back(playlist)
                self._decide()
            case events.PlayerRecovered():
                self._out += self._music.recovered()
                self._decide()
            case events.PlayerChanged(name, playlists, logged_in):
                self._out += self._music.player_changed(name, playlists, logged_in)
                self._decide()
            case events.WorkerCrashed(worker, _, gave_up):
                if gave_up:
                    self._worker_gave_up(worker)
                else:
                    self._out += self._workers.crashed(worker)
            case events.RestartWorkers():
                self._restart_workers()
            case events.PreviewChanged(is_open):
                self._preview = is_open
                if not is_open:  # closed by its own button, or crashed: stop feeding it
                    self._out.append(effects.SetPreview(False))
            case events.SessionChanged(reason, idle):
                self._camera.session_changed(reason, idle=idle)
            case events.UserIsBack():
                self._camera.user_is_back()
            case events.PowerChanged(on_battery):
                self._camera.on_battery = on_battery
                self._pace_looks()
            case events.PauseCamera(until):
                self._pause_camera(until)
            case events.TakeBreak(until, until_back):
                self._take_break(until, until_back)
            case events.ResumeCamera():
                on_break = self._camera.on_break
                self._camera.resume()
                self._restart_workers()
                if self._preview_waits and self._camera.consent and not self._camera.paused:
                    self._show_preview(True, resume=False)
                if not self._camera.consent and not on_break:
                    self._out.append(effects.Notify(messages.no_consent()))
            case events.PlayForMood():
                self._music.ask()
                self._decide()
            case events.PauseMusic():
                self._out += self._music.pause()
            case events.ResumeMusic():
                self._out += self._music.resume()
            case events.NextPlaylist():
                self._out += self._music.next_playlist(self._listener)
            case events.PlayPlaylist(playlist):
                self._try_for(0.0)  # which would change it again at once
                self._out += self._journeys.taken_in_hand(self._mood.state)
                self._out += self._music.play_this(
                    playlist, self._mood.state, self._settings.policy
                )
            case events.TryNow(seconds):
                self._try_for(seconds)
                if seconds > 0:
                    self._music.follow_face()  # it is to change, whatever was taken back before
                    self._music.ask()
                self._decide()
            case events.Looked():
                self._out += self._music.looked()
            case events.OpenPage(page):
                self._out.append(effects.OpenPage(page))
            case events.NextTrack():
                self._out += self._music.next_track()
            case events.SetVolume(volume):
                self._set_volume(volume)
            case events.SetMood():
                self._set_mood(event)
            case events.FollowFace():
                self._follow_face(unsay=True)
            case events.LetMusicChange():
                self._follow_face(unsay=not self._mood.by_hand)
            case events.NotMyMood(shown, switch):
                self._deny_mood(shown, switch)
            case events.BeginJourney(goal, start):
                self._begin_journey(goal, start)
            case events.EndJourney():
                self._end_journey()
            case events.ForgetEverything():
                self._forget_everything()
            case events.HistoryDeleted(since, until):
                self._deletions += 1
                if since < self._clock.now().timestamp() <= until:
                    self._note_mood_again()
                self._music.forget_between(since, until)
                self._decide()
            case events.NotMe(gone):
                self._out += self._mood_tracker.not_me(self._camera.watching, gone)
                self._out.append(effects.Notify(messages.somebody_else(gone, self._camera.unseen)))
                self._decide()
            case events.LearnFace(numbers):
                self._learn_face(numbers)
            case events.BeginLesson(seconds):
                self._lesson_asked = not self._lessons.going
                self._lessons.begin(self._mood_tracker.person_in_force, seconds)
            case events.ShowInLesson(emotion):
                self._lessons.change(lambda lesson, now: lesson.show(emotion, now))
            case events.KeepLesson():
                self._lessons.change(lambda lesson, _now: lesson.keep())
            case events.StopLesson():
                self._lessons.dismiss()
                self._lessons.change(lambda lesson, _now: lesson.stop())
            case events.UndoSwitch(shown):
                self._undo(shown)
            case events.TellWhy():
                self._out.append(effects.Notify(messages.why(self._make_snapshot())))
            case events.ShowMusicFolders():
                self._out.append(effects.ShowMusicFolders())
            case events.ShowPreview(show, resume):
                self._show_preview(not self._preview if show is None else show, resume)
            case events.LogIn():
                self._out.append(effects.StartLogin())
            case events.LogOut():
                self._out.append(effects.EndLogin())
            case events.SetAutostart(enabled):
                self._out.append(effects.SwitchAutostart(enabled))
            case events.AutostartChanged(enabled, asked):
                self._autostart = enabled
                if asked:
                    self._out.append(effects.Notify(messages.autostart(enabled)))
            case events.SettingsBroken(error, asked):
                self._settings_problem = error.message
                self._out.append(effects.Notify(messages.trouble(error, asked)))
            case events.SettingsChanged(settings):
                if settings.mood.learn != self._settings.mood.learn:
                    self._learn_again = False  # the user has decided it
                self._settings = settings
                self._settings_problem = None
                self._music.try_all_again()
                self._pace_looks()
                self._out.append(effects.ApplySettings(settings))
                self._restart_workers()  # what made them fail may be mended
            case events.AskForConsent():
                if not self._camera.consent:
                    self._out.append(effects.AskConsent())
            case events.ConsentGiven():
                is_news, self._camera.consent = not self._camera.consent, True
                if is_news:
                    told = messages.welcome(
                        self._music.plays,
                        self._music.left_alone_until,
                        self._settings.policy,
                        self._camera.unseen,
                        self._own_word,
                    )
                    self._out.append(effects.Notify(told))
            case events.ConsentWithdrawn():
                self._camera.consent = False
            case events.Notice(title, message, asked, trouble, buttons):
                told = messages.info(title, message, asked, trouble, buttons)
                self._out.append(effects.Notify(told))
            case events.Quit():
                self._note_watch(ends=True)
                self._out.append(effects.Shutdown())
            case _:
                assert_never(event)

    # -- what concerns more than one part

    def _take_up(self, left: Promised, asked: bool) -> bool:
        """Let go on what a run before has promised; True: the camera rests by it.

        ``asked``: the user wants music with this start, which ends a break for the music.
        """
        self._camera.take_up(left.paused, left.on_break)
        if asked:
            self._camera.music_wanted()
        if left.said is not None:
            self._mood_tracker.take_up(*left.said)
        if left.left_alone is not None:
            self._music.take_up(left.left_alone, left.chosen)
        return left.paused is not None or left.on_break is not None

    def _tell_what_goes_on(self) -> None:
        """Tell that a break or a pause of the camera goes on, which was wished before this run."""
        camera, now = self._camera, self._clock.now()
        if camera.on_break:
            told = messages.break_goes_on(
                camera.paused_until,
                now,
                camera=camera.comes_back,
                alone_until=camera.alone_until,
            )
            self._out.append(effects.Notify(told))
        elif camera.consent:
            told = messages.camera_still_paused(camera.paused_until, now)
            self._out.append(effects.Notify(told))

    @property
    def _promises(self) -> Promised:
        """What the user was promised for some time, as it stands now."""
        paused, on_break = self._camera.promised
        music = self._music
        return Promised(
            paused, on_break, self._mood_tracker.said, music.left_alone, chosen=music.chosen
        )

    def _keep_promises(self) -> None:
        """Have them stored before anything is said of them."""
        now = self._promises
        if now != self._promised:
            self._promised = now
            self._out.insert(0, effects.KeepPromises(now))

    def _observed(self, observation: Observation) -> None:
        if not self._camera.wanted:
            return  # it was on its way when the camera was paused
        if self._lessons.going:  # a face that poses tells no mood
            self._lessons.change(lambda lesson, _now: lesson.look(observation))
            return
        self._out += self._mood_tracker.observe(
            observation, self._in_force.mood, self._camera.watching
        )
        self._pace_looks()
        self._decide()

    def _camera_changed(self, state: CameraState, error: AgentError | None) -> None:
        blind_for = self._camera.blind_for
        self._out += self._camera.camera_changed(state, error)
        if not self._camera.blind and blind_for > BLIND_FOR:
            self._forget_mood()  # the old looks say nothing about now

    def _steer_camera(self) -> None:
        steered = self._camera.steer()
        if steered:
            self._forget_mood()  # nobody looks any more; or whoever sits there now is seen anew
            self._out += steered
        if steered or self._camera.unseen != self._decided_unseen:
            self._decide()  # what is said of it rests on it

    def _set_mood(self, event: events.SetMood) -> None:
        watching = self._camera.watching
        self._out += self._mood_tracker.set_by_hand(
            event.mood, event.minutes, watching, self._settings.mood, event.wrong
        )
        self._out += self._journeys.mood_told(event.mood)
        until = self._mood_tracker.by_hand_until
        assert until is not None
        word = OwnWord(event.mood, until, event.wrong not in (None, event.mood))
        if self._workers.lacks("player"):
            told = messages.mood_noted(word, what_stopped("player"), plays=True)
            self._out.append(effects.Notify(told))
            return
        self._out += self._music.mood_told(word, self._in_force.policy)
        self._decide()

    @property
    def _own_word(self) -> OwnWord | None:
        """What the user has said of their mood, where it holds."""
        until = self._mood_tracker.by_hand_until
        return OwnWord(self._mood.state, until) if self._mood.by_hand and until else None

    def _follow_face(self, *, unsay: bool) -> None:
        """End the time after an Undo; with ``unsay`` the user's own word on their mood as well."""
        alone, by_hand = self._music.left_alone_until is not None, self._mood.by_hand
        if by_hand or alone:
            # It may say until when the music goes by that word, or is left alone.
            self._out.append(effects.Withdraw(NotificationKind.SWITCH))
        if unsay:
            self._out += self._mood_tracker.follow_face(self._camera.watching)
        self._journeys.follow_face()
        self._music.follow_face()
        at = len(self._out)
        self._decide()
        told = messages.follows_face(
            self._mood,
            self._music.decision,
            self._music.plays,
            "" if self._mood.by_hand else self._camera.unseen,
            held=alone or by_hand,
            said=unsay and (by_hand or not alone),
        )
        self._out.insert(at, effects.Notify(told))  # before that of a change

    def _deny_mood(self, shown: MoodState | None, switch: Decision | None) -> None:
        """Forget the mood, and take back the change that it led to, where that is the latest."""
        denied = shown or self._mood.state
        self._out += self._mood_tracker.deny(shown, self._camera.watching, self._settings.mood)
        latest = self._music.switch
        led_to = latest is not None and latest.mood is denied and switch in (None, latest)
        led_to = led_to and not self._music.was_for(denied)  # which would be no better
        if led_to and self._music.undo_to is not None and not self._workers.lacks("player"):
            self._out += self._music.undo(latest, self._in_force.policy, denied)
        else:
            self._out.append(
                effects.Notify(
                    messages.not_my_mood(denied, self._music.plays, pending=self._music.is_to_begin)
                )
            )
        self._decide()

    def _begin_journey(self, goal: MoodState, start: MoodState | None) -> None:
        here = self._mood.state if self._mood.state.is_emotion else None
        listener = self._listener
        begin = start or here or listener.last_emotion or listener.leaning or MoodState.NEUTRAL
        if here is begin is goal and self._journeys.current is None:
            self._already_there(goal)
            return
        self._out += self._journeys.begin(begin, goal, self._mood.state)
        self._music.follow_face()  # it leads on in steps, which ends the time after an Undo
        self._set_out, self._set_out_after = True, self._music.switch
        assert self._journeys.current is not None
        seen = (not self._camera.unseen or self._camera.on_break) and not self._mood.by_hand
        ends = messages.journey_ends(goal, seen=seen)
        if not self._workers.lacks("player") and self._music.would_change_for(begin):
            self._music.ask(leads=ends)  # the change that follows at once is the answer
        else:
            self._music.lead_when_it_goes_on(begin)
            told = messages.journey_begun(
                self._journeys.current.view,
                self._music.plays,
                self._music.is_paused,
                ends=ends,
                goes_on=self._music.rests is not None and self._music.goes_on,
                lacks=self._music.lacks_music(begin),
                trouble=self._music.hindrance,
            )
            self._out.append(effects.Notify(told))
        self._decide()

    def _already_there(self, goal: MoodState) -> None:
        """Answer a wish to be led to the mood that is read, which is a wish for its music."""
        if self._workers.lacks("player") or not self._music.would_change_for(goal):
            self._out.append(effects.Notify(messages.journey_needless(self._mood)))
            return
        self._music.follow_face()
        self._music.ask()  # the change that follows at once is the answer
        self._decide()

    def _learn_face(self, numbers: Mapping[str, object] | None) -> None:
        try:
            learned = STRANGER if numbers is None else Person.from_numbers(numbers)
        except ValueError as error:
            self._out.append(effects.Notify(messages.face_not_learned(f"{error}.")))
            return
        self._out += self._mood_tracker.know(learned)
        if numbers is None and self._settings.mood.learn:  # else it would be there again soon
            self._go_on_learning(False)
        elif numbers is not None and self._learn_again:
            self._go_on_learning(True)
        told = messages.face_learned(learned.is_known, self._settings.mood.learn)
        self._out.append(effects.Notify(told))
        self._decide()

    def _go_on_learning(self, on: bool) -> None:
        """Switch it off with a face that is forgotten, and on again with one that is learned."""
        mood = self._settings.mood.model_copy(update={"learn": on})
        self._settings = self._settings.model_copy(update={"mood": mood})
        self._out.append(effects.KeepSetting("mood.learn", on))
        self._learn_again = not on

    def _forget_everything(self) -> None:
        """Let go of all that was noted of the user; files are the app's affair."""
        self._lessons.change(lambda lesson, _now: lesson.stop())
        self._lessons.dismiss()
        self._out += self._mood_tracker.forget_everything()
        self._out += self._journeys.forget_everything()
        self._out.append(effects.ForgetNames())
        told_of_it = (NotificationKind.SWITCH, NotificationKind.INFO)  # a desktop may list them
        self._out += [effects.Withdraw(kind) for kind in told_of_it]
        self._music.forget_everything()
        self._answer = None
        self._decide()

    def _steer_lesson(self) -> None:
        """End a lesson that cannot go on, take in what was learned, and look as often as it needs.

        Either way the old looks say nothing any more.
        """
        obstacle, asked = self._camera.obstacle, self._lesson_asked
        self._lesson_asked = False
        interrupted = obstacle is not None and self._lessons.going and not asked
        self._lessons.meet(obstacle)
        ended = self._lessons.settle()
        if ended is not None and ended.person is not None:
            self._learn_face(ended.person.as_numbers())
        elif ended is not None:
            self._forget_mood()
            if ended.view.trouble:
                told = messages.face_not_learned(ended.view.trouble, not interrupted)
                self._out.append(effects.Notify(told))
        self._pace_looks()

    def _end_journey(self) -> None:
        going = self._journeys.is_in_force
        self._out += self._journeys.stop(self._mood.state)
        self._music.drop_leads()
        word = self._own_word
        unseen = "" if word is not None else self._camera.unseen
        told = messages.journey_ended(going, plays=self._music.plays, unseen=unseen, word=word)
        self._out.append(effects.Notify(told))
        self._decide()

    @property
    def _journey_is_last(self) -> bool:
        """Whether a wished journey is newer than the latest change of the music."""
        wished = self._journeys.current_wish is not None
        return self._set_out and wished and self._music.switch == self._set_out_after

    def _undo(self, shown: Decision | None) -> None:
        """Take a change back, and the user's own word on their mood that it followed.

        The word stands where the music from before that change was for this mood, too. Of a wished
        journey that has not changed the music yet: the journey.
        """
        if shown is None and self._journey_is_last:
            self._end_journey()
            return
        latest, mood = self._music.switch, self._mood
        followed = latest is not None and latest.mood is mood.state
        unsays = mood.by_hand and followed and not self._music.was_for(mood.state)
        ends = tuple(messages.ends_with_it(unsays, self._journeys.current is not None))
        self._out += self._music.undo(shown, self._settings.policy, ends=ends)
        taken_back = latest is not None and self._music.switch is None
        if taken_back:
            self._out += self._journeys.taken_in_hand(mood.state)
        if taken_back and unsays:
            self._out += self._mood_tracker.unsay(self._camera.watching)
        if taken_back and self._trial_until is not None:
            self._try_for(0.0)  # which would change it again at once

    def _set_volume(self, volume: float) -> None:
        local = self._settings.local.model_copy(update={"volume": volume})
        self._settings = self._settings.model_copy(update={"local": local})
        self._out += [
            effects.ApplySettings(self._settings),
            effects.KeepSetting("local.volume", volume),
        ]

    def _steer_rest(self, *, reads: bool = True) -> None:
        """Let the music rest with the camera in breaks, calls and while the screen is shared.

        ``reads``: the player is read before a rest begins, where what plays may not be known.
        """
        why, rests = self._camera.music_rests, self._music.rests
        if why == TAKING_A_BREAK or self._settings.session.pause_music_in_calls:
            wanted = why
        else:
            wanted = None
        if wanted == rests:
            self._music.rest_is_settled()
            return
        # What goes on after a rest that goes on by another name is known already.
        begins = wanted is not None and rests is None
        reads = reads and begins and not self._workers.lacks("player")
        if reads and self._music.reads_before_rest(self._out):
            return
        if wanted is None:
            self._goes_on = self._music.go_on()
            self._out += self._goes_on
        else:
            paused = self._music.rest(wanted)
            if paused and wanted != TAKING_A_BREAK:
                paused.append(effects.Notify(messages.music_rests(wanted, self._music.unpausable)))
            self._out += paused
        self._decide()

    def _leave_rest(self) -> None:
        """Let music rest no more that is wanted now; the camera rests on."""
        if self._music.rests is not None:
            self._camera.music_wanted()
            self._music.leave_rest()

    def _pause_camera(self, until: datetime | None) -> None:
        """Let the camera alone rest; music that rested in a break goes on."""
        if not self._camera.consent and not self._camera.on_break:
            self._out.append(effects.Notify(messages.nothing_to_pause()))
            return
        music, wished = self._camera.on_break and self._music.goes_on, self._journeys.current_wish
        self._camera.pause(until)
        told = messages.camera_paused(
            until,
            self._clock.now(),
            music,
            self._camera.usable,
            self._own_word,
            None if wished is None else wished.view,
            plays=self._music.plays or self._music.may_begin(self._settings.policy),
        )
        self._out.append(effects.Notify(told))

    def _take_break(self, until: datetime | None, until_back: bool) -> None:
        """Let camera and music rest: the camera now, music once it is known what plays."""
        self._camera.pause(until, on_break=True, until_back=until_back)
        self._break_wished = until, until_back

    def _answer_break(self) -> None:
        """Tell what comes back by itself after the break that was wished for, once it rests."""
        if self._break_wished is None or self._music.rests != TAKING_A_BREAK:
            if not self._camera.on_break:
                self._break_wished = None
            return
        (until, until_back), self._break_wished = self._break_wished, None
        told = messages.on_break(
            until,
            until_back,
            self._clock.now(),
            music=self._music.goes_on,
            camera=self._camera.comes_back,
            alone_until=self._camera.alone_until,
            usable=self._camera.usable,
            starts=self._music.may_begin(self._settings.policy),
            held_off=None if self._camera.idle else self._camera.off_for,
            unpausable=self._music.unpausable,
            unread=self._music.unread,
        )
        self._out.append(effects.Notify(told))

    def _tell_pause_ended(self, *, asked: bool = False) -> None:
        """Tell that a break or a pause of the camera is over, and what goes on with that."""
        music, self._goes_on = bool(self._goes_on), []
        ended = self._camera.take_ended()
        if ended is None:
            return
        self._preview_waits = self._preview_waits and self._camera.paused
        told = messages.pause_ended(
            ended.on_break,
            stays_off=self._camera.unseen,
            idle=self._camera.idle and self._camera.sight is Sight.HELD_OFF,
            music=music,
            asked=asked,
            usable=self._camera.usable,
            deviceless=self._music.is_deviceless,
            hindrance=self._music.hindrance,
        )
        self._out.append(effects.Notify(told))

    def _forget_mood(self) -> None:
        self._out += self._mood_tracker.forget(self._camera.watching)

    def _worker_gave_up(self, worker: str) -> None:
        self._out += self._workers.gave_up(worker)
        if worker == "watcher":
            self._camera.gave_up = True
            self._forget_mood()  # it decides nothing any more
        if worker in NEEDED:
            self._decide()

    def _restart_workers(self) -> None:
        """Let all try again that gave up, and decide by what can be done then."""
        self._out += self._workers.restart()
        self._camera.gave_up = False
        self._decide()

    def _decide(self, happening: Happening = Happening.NOTHING) -> None:
        self._decided_unseen = self._camera.unseen
        if self._workers.lacks("player"):
            self._music.keep_without_player(self._mood)
            return  # nobody would carry it out
        guide, out = self._journeys.guide(self._mood, self._settings.response)
        self._out += out
        trial = self._trial_until is not None
        self._out += self._music.decide(
            self._listener, self._in_force.policy, happening, guide, trial
        )

    @property
    def _listener(self) -> Listener:
        return Listener(
            self._mood,
            self._camera.watching,
            self._mood_tracker.last_emotion,
            self._mood_tracker.correction,
            certainty(self._in_force.mood),
            self._camera.unseen,
            self._mood_tracker.denied,
        )

    @property
    def _mood(self) -> Mood:
        return self._mood_tracker.mood(self._camera.watching)

    @property
    def _in_force(self) -> Settings:
        """The user's settings; quicker ones while they try the program out."""
        return self._settings if self._trial_until is None else quickened(self._settings)

    def _try_for(self, seconds: float) -> None:
        self._trial_until = self._clock.monotonic() + seconds if seconds > 0 else None
        self._pace_looks()

    def _pace_looks(self) -> None:
        """Look again soon while the mood is open, late while it is sure; often in a lesson."""
        usual = self._camera.interval(self._in_force.camera)
        pace = effects.SetInterval(round(usual * self._mood_tracker.pause, 3))
        if self._lessons.going:
            pace = effects.SetInterval(calibration.EVERY, everybody=True)
        if pace != self._pace:
            self._pace = pace
            self._out.append(pace)

    def _show_preview(self, show: bool, resume: bool) -> None:
        if show and not self._camera.consent:
            self._out.append(effects.AskConsent())
            return
        if show and self._camera.paused:
            if not resume and self._settings.preview.when_paused == "ask":
                self._preview_waits = True
                self._out.append(
                    effects.Notify(messages.preview_while_paused(self._camera.on_break))
                )
                return
            self._camera.resume()
            self._camera.take_ended()  # the preview tells it
        self._preview_waits = False
        self._out.append(effects.SetPreview(show))

    # -- the picture of the whole

    def _make_snapshot(self) -> Snapshot:
        snapshot = take_snapshot(
            self._camera,
            self._mood_tracker,
            self._music,
            self._workers,
            preview_open=self._preview,
            autostart=self._autostart,
            settings_problem=self._settings_problem,
            volume=self._settings.local.volume,
        )
        going, seen = self._journeys.current, snapshot.mood.probabilities
        if seen is None and self._camera.watching and snapshot.observation is not None:
            seen = snapshot.observation.probabilities  # of a face whose mood the user has named
        place = affect(seen)
        return replace(
            snapshot,
            answer=self._answer,
            answers=self._answers,
            journey=None if going is None else going.view,
            undoes_journey=self._journey_is_last,
            own_face=self._mood_tracker.person_in_force.known_by,
            guest=self._mood_tracker.guest,
            trial_until=self._trial_until,
            lesson=self._lessons.view,
            deletions=self._deletions,
            affect=None if place is None else (place.valence, place.arousal),
        )

    def _note_watch(self, *, ends: bool = False) -> None:
        """Have the history know when moods are no longer read, and when they are again."""
        if self._mood_tracker.is_empty:
            return
        unwatched = ends or not (self._camera.watching or self._mood.by_hand)
        if unwatched == self._unwatched:
            return
        self._unwatched = unwatched
        noted = any(isinstance(e, effects.Record) and isinstance(e.item, Mood) for e in self._out)
        if unwatched:
            self._out.append(effects.RecordWatch(None))
        elif not noted:
            self._out.append(effects.RecordWatch(self._mood))

    def _note_mood_again(self) -> None:
        """Have the history know the mood of now, whose entry is deleted."""
        if not self._mood_tracker.is_empty and not self._unwatched:
            self._out.append(effects.RecordWatch(replace(self._mood, probabilities=None)))

    def _finish(self) -> list[effects.Effect]:
        if effects.Shutdown() not in self._out:
            self._note_watch()
        self._keep_promises()
        for effect in self._out:
            if isinstance(effect, effects.Notify) and effect.notification.asked:
                told = effect.notification
                self._answer = Reply(told.title, told.body)
                self._answers += 1
        snapshot = self._make_snapshot()
        if snapshot != self._snapshot:
            gone = [effects.Withdraw(kind) for kind in messages.stale(self._snapshot, snapshot)]
            self._snapshot = snapshot
            self._out = [*gone, *self._out]  # before what takes its place
            self._out.append(effects.Publish(snapshot))
        return self._out
