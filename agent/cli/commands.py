"""The commands.

Thin: parse, call, print. Exit codes: 0 done, 1 it could not be done, 2 the words of the command are
off, 3 no agent is running.
"""

from __future__ import annotations

import copy
import errno
import io
import json
import math
import os
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from agent import __version__, addresses
from agent.cli import words
from agent.cli.terminal import say, say_at_once, say_json, show, show_own, tell
from agent.errors import AgentError, AutostartError, DesktopError, NotRunning, StoreError
from agent.store.catalogues import speak_as_set
from agent.store.paths import HOME, Paths, ensure_folder, short
from agent.timing import local
from agent.translation import N_, _
from agent.wording import (
    AUTO,
    EVERYTHING,
    MOST_MINUTES,
    face_forgotten,
    named_mood,
    parse_minutes,
    parse_mood,
)

app = typer.Typer(
    name="moodtray",
    help="Reads your mood from the webcam and moves the music to a playlist that fits.",
    epilog=N_(
        "To remove Moodtray: 'moodtray uninstall' takes its entries away on Linux and says how the "
        "program itself goes; a package goes as any other. 'moodtray forget --everything' deletes "
        "what was noted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its listings would show local values: tokens, frames
)
NOW, SET_UP, LOOK = N_("Every day"), N_("Setting up"), N_("Looking closer")
"""The headings of the help."""

autostart_app = typer.Typer(help="Start Moodtray at login.", no_args_is_help=True)
app.add_typer(autostart_app, name="autostart", rich_help_panel=SET_UP)
dev_app = typer.Typer(help="For developers: measure, train, evaluate.", no_args_is_help=True)
app.add_typer(dev_app, name="dev", rich_help_panel=LOOK)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


TAKE_FILES = frozenset({"dev", "analyze", "bench", "train", "export", "evaluate"})
"""What developers call, with names of files."""
_called_in = ""
"""The folder that the command was called in, once it was left; empty: we are there still."""


def main() -> NoReturn:
    """Run a command; an expected error is told in one line."""
    from agent import logs
    from agent.desktop.process_guard import guard_memory

    guard_memory()  # not the agent alone: a login holds tokens, a lesson a face
    _have_streams()
    _speak_utf8()
    logs.guard_terminal()
    code = 0
    try:
        speak_as_set(Paths.default())
        _refuse_login(sys.argv[1:])
        wanted = _wanted(sys.argv[1:])
        if not TAKE_FILES.intersection(sys.argv[1:2]):
            _leave_folder()
        command = typer.main.get_command(wanted)
        words.translate(command)
        command()
    except AgentError as error:
        tell(f"{error.title}: {error.message}")
        code = 3 if isinstance(error, NotRunning) else 1
    except OSError as error:
        if _is_of_output(error):
            code = _output_lost(error)
        else:
            logs.uncaught(error)
            code = 1
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except Exception as error:  # noqa: BLE001 - a defect
        logs.uncaught(error)
        code = 1
    _leave(code)


def _wanted(words_given: list[str]) -> typer.Typer:
    """Choose the one command that is asked for, or all of them.

    typer builds every command that it knows before it looks which is wanted, which would be a tenth
    of the agent's start.
    """
    asked = [
        one
        for one in app.registered_commands
        if words_given and one.callback and (one.name or one.callback.__name__) == words_given[0]
    ]
    if asked:
        narrow = copy.copy(app)
        narrow.registered_commands, narrow.registered_groups = asked, []
        return narrow
    from agent.training.cli import register

    register(dev_app)
    register(app, hidden=True)  # their names of before
    return app


def _leave_folder() -> None:
    """Go where nobody but the system's owner puts anything.

    It may be anybody's folder that a command is called in, and what we use looks for parts of its
    own there: fonts, or a library that another program then says is the one that was asked for.
    """
    global _called_in
    try:
        _called_in = os.getcwd()
        sys.path[:] = map(os.path.abspath, sys.path)
    except OSError:  # it is gone
        _called_in = os.sep
    os.chdir(os.environ.get("SYSTEMROOT", os.sep) if sys.platform == "win32" else os.sep)


def _whole(path: str | Path) -> Path:
    """Return the path as it was meant where the command was called."""
    return Path(_called_in or os.getcwd(), path)


def _refuse_login(words_given: list[str]) -> None:
    """Refuse words with a camera's login in them: they stand in the list of processes.

    Says nothing of the word itself. Raises SystemExit.
    """
    for word in words_given:
        named = word.partition("=")[2] if word.startswith("--") else word
        if addresses.holds_login(named) and not os.path.exists(named):
            tell(
                _(
                    "Every user of this computer can read the words of a command, and these hold "
                    "the login of a camera. Write its address into the settings (camera.source; "
                    "'moodtray settings' shows them), or say --camera - and enter it then. Other "
                    "people use this computer? Give the camera another password."
                )
            )
            raise SystemExit(2)


def _have_streams() -> None:
    """Let a stream that was closed by who started us lead to nowhere, as if it were /dev/null.

    Its number must not be given to a file of ours: libraries write to 1 and 2.
    """
    if os.name == "posix":
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - stays


def _speak_utf8() -> None:
    """Write UTF-8: playlists' names and '♪' go through any pipe.

    A stream that others put in the place (a test's, none at all) stays as it is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _is_of_output(error: OSError) -> bool:
    """Tell whether it came from writing to a stream, not from a file (which it would name)."""
    return error.filename is None and error.errno in (
        errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT, errno.EFBIG
    )  # fmt: skip


def _output_lost(error: OSError) -> int:
    """Say that what was printed did not arrive; returns the exit code."""
    if error.errno != errno.EPIPE:  # who closed a pipe has seen enough
        tell(_("The output could not be written: {why}.").format(why=error.strerror))
    return 1


def _leave(code: int) -> NoReturn:
    """Leave now: a thread that hangs in a driver must not keep the program alive."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        os._exit(code or _output_lost(error))  # Python's own end would flush again, and complain
    others = [t for t in threading.enumerate() if t is not threading.main_thread()]
    if any(t.is_alive() for t in others):
        os._exit(code)
    sys.exit(code)


def _print_live(text: str) -> None:
    """Write a line that the next one takes the place of."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _version(wanted: bool) -> None:
    if wanted:
        say(f"moodtray {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def _camera(source: str | None) -> str | None:
    """Tell which camera is meant by ``--camera``; '-': the one that is entered now."""
    if source == "-":
        return _entered()
    if source is None or source.strip().isdecimal() or not os.path.exists(_whole(source)):
        return source
    return str(_whole(source))


def _entered() -> str:
    """Read an address, which may hold a password, where no other user sees it."""
    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass(_("The camera's address (it is not shown): "))
    else:
        text = sys.stdin.readline(4096)
    if not text.strip():
        raise typer.BadParameter(_("no address was entered"), param_hint="--camera")
    return text.strip()


# --- the agent ------------------------------------------------------------------------------------


@app.command(rich_help_panel=NOW)
def run(
    camera: Annotated[
        str | None,
        typer.Option(help="Index of a webcam, a video file, a URL, or - to enter a URL unseen."),
    ] = None,
    player: Annotated[str | None, typer.Option(help="auto, spotify or local.")] = None,
    headless: Annotated[bool, typer.Option(help="No tray, no notifications.")] = False,
    play: Annotated[bool, typer.Option("--play", help="Start music for your mood now.")] = False,
    paused: Annotated[bool, typer.Option("--paused", hidden=True)] = False,
    home: Annotated[str | None, typer.Option(hidden=True)] = None,  # for the start at login
    spotify_url: Annotated[str | None, typer.Option(hidden=True)] = None,
    events_json: Annotated[bool, typer.Option("--events-json", hidden=True)] = False,
    control: Annotated[bool, typer.Option("--control/--no-control", hidden=True)] = True,
    session: Annotated[bool, typer.Option("--session/--no-session", hidden=True)] = True,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Start Moodtray: look at your mood, and move the music."""
    from agent import logs
    from agent.app.lifecycle import App
    from agent.app.options import Options
    from agent.desktop.single_instance import Instance

    if player not in (None, "auto", "spotify", "local"):
        raise typer.BadParameter(_("auto, spotify or local"), param_hint="--player")
    if home is not None:
        os.environ[HOME] = home  # for our children as well
    chosen = _camera(camera)
    paths = Paths.default()
    for trouble in paths.ensure():
        tell(f"{trouble.title}: {trouble.message}")
    with Instance(paths) as instance:
        if not instance.acquire():
            from agent.web.door_client import hand_over

            say(hand_over(paths, play=play))
            return
        logs.set_up(_log_folder(paths), "DEBUG" if verbose else "INFO", console=verbose)
        App(
            Options(
                camera=chosen,
                player=player,
                headless=headless,
                play=play,
                paused=paused,
                spotify_url=spotify_url,
                control=control,
                session=session,
                listener=say_json if events_json else None,
                tell=tell,
            ),
            paths,
        ).run()


def _log_folder(paths: Paths) -> Path | None:
    """Find the log's folder; None where it cannot be used, which the user has been told."""
    try:
        return ensure_folder(paths.logs)
    except StoreError:
        return None


@app.command(rich_help_panel=LOOK)
def demo(
    seconds: Annotated[
        float | None, typer.Option(help="How long (default: once through the clip).")
    ] = None,
    as_json: AsJson = False,
    headless: Annotated[bool, typer.Option(help="No tray, no notifications.")] = False,
    preview: Annotated[bool, typer.Option(help="Open the preview window.")] = True,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell every look.")] = False,
) -> None:
    """Show it all on a clip of a face, without a camera. Nothing is kept."""
    from agent.cli import demo

    demo.run(
        seconds,
        as_json=as_json,
        headless=headless,
        preview=preview,
        verbose=verbose,
        live=_print_live if sys.stdout.isatty() else None,
        out=say_at_once if as_json else show_own,
    )


LET_GO_SECONDS = 6.0
"""How long a running agent may need to hear that the consent was taken back, or to end."""


def _camera_is_let_go(paths: Paths) -> bool:
    """Wait until the running agent, if there is one, knows that the consent was taken back.

    The camera may be one that needs none, such as a clip: then it looks on, as it was told to.
    """
    from agent.web.door_client import call

    deadline = time.monotonic() + LET_GO_SECONDS
    while time.monotonic() < deadline:
        try:
            state = call(paths, "status")
        except NotRunning:
            return True
        except AgentError:
            return False
        if not state.get("consent", True):
            return True
        time.sleep(0.2)
    return False


@app.command(rich_help_panel=SET_UP)
def consent(
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Allow it without a question.")] = False,
) -> None:
    """Allow Moodtray to use the camera (or take that back)."""
    from agent.desktop import consent

    paths = Paths.default()
    if withdraw:
        if not consent.withdraw(paths):
            say(_("There was no consent to take back."))
        elif _camera_is_let_go(paths):
            say(_("Taken back. The camera stays off until you allow it again."))
        else:
            say(_("Taken back. 'moodtray quit' closes the camera, should it still be on."))
        return
    say(_(consent.TEXT))
    if consent.is_given(paths) and not yes:
        say(_("You have allowed the camera. 'moodtray consent --withdraw' takes that back."))
        return
    if yes or _agreed(_(consent.QUESTION)):
        consent.give(paths, datetime.now().astimezone())
        say(_("Thank you. Moodtray may use the camera."))
    else:
        say(_("The camera is not allowed."))
        raise typer.Exit(1)


def _agreed(question: str) -> bool:
    """Ask in the terminal; only a clear yes is one."""
    choice = _("[y/N]")
    said = input(f"{question} {choice}: ").strip().casefold()
    return said in ("y", "yes", *_("y yes").split())


# --- looking at things ----------------------------------------------------------------------------


@dev_app.command()
@app.command(hidden=True)
def analyze(files: list[Path], as_json: AsJson = False) -> None:
    """Say which faces and expressions are in pictures or videos."""
    from agent.settings import Settings
    from agent.store.settings_file import SettingsFile
    from agent.vision import analyze
    from agent.vision.expression import ExpressionClassifier

    settings_file = SettingsFile(Paths.default())
    is_set = os.path.exists(settings_file.path)  # looking at a picture writes no settings
    finder = (settings_file.load_or_last_good()[0] if is_set else Settings()).camera.finder
    classifier = ExpressionClassifier.load()
    failed = False
    for file in files:
        try:
            result = analyze.analyze(file, classifier, finder=finder)
        except AgentError as error:
            failed = True
            if as_json:
                say_json({"file": str(file), "error": error.message})
            else:
                tell(f"{error.title}: {error.message}")
            continue
        if as_json:
            say_json(result.as_dict())
        else:
            say(result.summary)
    if failed:
        raise typer.Exit(1)


@app.command(rich_help_panel=LOOK)
def doctor(
    as_json: AsJson = False,
    bundle: Annotated[
        bool,
        typer.Option("--bundle", help="Also make a zip for a bug report, without secrets."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --bundle: the zip's name, or a folder for it.")
    ] = None,
) -> None:
    """Check camera, tray, sound, model and folders, and say what to do."""
    from agent.diagnostics import report

    paths = Paths.default()
    checks = report.examine(paths)
    if as_json:
        say_json(report.as_dict(checks))
    else:
        show(report.as_text(checks))
    if bundle:
        from agent.clock import SystemClock
        from agent.diagnostics.bundle import make

        now = SystemClock().now()
        made = make(paths, report.as_dict(checks), _whole(out or ""), now)
        tell(_("Written: {made}").format(made=made))
    if any(c.ok is False for c in checks):
        raise typer.Exit(1)


@dev_app.command()
@app.command(hidden=True)
def bench(
    as_json: AsJson = False,
    fast: Annotated[bool, typer.Option("--fast", help="Shorter, noisier.")] = False,
    finder: Annotated[
        bool, typer.Option("--finder", help="Instead: how many faces are found, and false ones.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="With --finder: folder of london.npz (default: $MOODTRAY_DATA)."),
    ] = None,
) -> None:
    """Measure speed, memory and processor time."""
    if finder:
        _measure_finder(data, fast, as_json)
        return
    from agent.bench import as_text, run_all

    figures = run_all(fast=fast)
    if as_json:
        say_json(figures)
    else:
        show(as_text(figures))


def _measure_finder(data: Path | None, fast: bool, as_json: bool) -> None:
    from agent.bench import finder
    from agent.training.data import data_folder

    figures = finder.measure(data or data_folder(), fast, tell)
    if as_json:
        say_json(figures)
    else:
        show(finder.as_text(figures))


# --- Spotify --------------------------------------------------------------------------------------


@app.command(rich_help_panel=SET_UP)
def login(
    client_id: Annotated[
        str | None, typer.Option(help="Of your own app at Spotify's developer page.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser")] = True,
    spotify_url: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Log in to Spotify."""
    from agent.app.spotify_account import log_in

    log_in(
        Paths.default(),
        client_id=client_id,
        no_browser=not browser,
        spotify_url=spotify_url,
        tell=tell,
    )


@app.command(rich_help_panel=SET_UP)
def logout() -> None:
    """Forget Spotify: remove every trace that was stored."""
    from agent.app.spotify_account import log_out

    say(log_out(Paths.default()))


@app.command(rich_help_panel=SET_UP)
def forget(
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="DAY", help="Only what is older than this day: 2026-01-31."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All of it.")] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do not ask before all is deleted; only a terminal is asked."),
    ] = False,
) -> None:
    """Delete what was noted: moods, changes of the music, your answers, the log, your face.

    Your permission for the camera, your settings and logins stay.
    """
    from agent.app import forgetting

    if everything == (before is not None):
        raise typer.BadParameter(
            _("one of the two is needed, for example --before 2026-01-31"),
            param_hint=_("--everything or --before"),
        )
    day = None if before is None else _day(before)
    if everything and not yes and sys.stdin.isatty() and not _agreed(_(EVERYTHING)):
        say(_("Nothing was deleted."))
        raise typer.Exit(1)
    runs = _answers(Paths.default())
    if everything and runs:  # else it would write down what it still knows
        _ask("forget")
    say(forgetting.forget(Paths.default(), day))
    if runs:
        until = datetime.now().timestamp() if day is None else day.timestamp()
        _ask("forget", before=until)


def _day(text: str) -> datetime:
    """Return the begin of a day, by this computer's clock."""
    try:
        return local(datetime.strptime(text.strip(), "%Y-%m-%d"))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            _("{word!r} is no day. Say for example 2026-01-31.").format(word=text),
            param_hint="--before",
        ) from error


def _forget_face(paths: Paths) -> str:
    """Forget what was learned of the face; a running Moodtray holds it in its memory."""
    from agent.app.calibrate import store
    from agent.store.settings_file import SettingsFile

    if _answers(paths):
        return str(_ask("face")["text"])
    store(paths, "", None)
    SettingsFile(paths).change("mood.learn", False)
    return face_forgotten()


# --- a running Moodtray ---------------------------------------------------------------------------


def _ask(verb: str, **words: Any) -> dict[str, Any]:
    from agent.web.door_client import call_when_ready

    paths = Paths.default()

    def taken() -> bool:
        from agent.desktop.single_instance import Instance  # only when nobody answers

        return Instance(paths).is_taken()

    return call_when_ready(paths, verb, taken=taken, **words)


For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="15m, 1h, 1h30m; else until you resume.")
]
ForMood = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="15m, 1h, 1h30m; else half an hour.")
]
_Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0.1, max=MOST_MINUTES, hidden=True)
]


@app.command(rich_help_panel=NOW)
def status(as_json: AsJson = False) -> None:
    """Tell your mood, the music, the camera, and what is wrong."""
    answer = _ask("status")
    say_json(answer) if as_json else say(answer["text"])


@app.command(rich_help_panel=NOW)
def why(
    as_json: Annotated[bool, typer.Option("--json", help="With all that it rests on.")] = False,
) -> None:
    """Tell why this music plays."""
    answer = _ask("why")
    say(json.dumps(answer["evidence"], indent=1) if as_json else answer["text"])


@app.command(rich_help_panel=NOW)
def journey(
    moods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FROM] TO", help="Two moods, or the one to reach; or: lift, calm, stop."
        ),
    ] = None,
) -> None:
    """Let the music lead from one mood to another: moodtray journey sad happy."""
    ways = {"lift": "happy", "calm": "neutral", "energise": "surprise"}
    moods = moods or [""]
    if len(moods) > 2:
        raise typer.BadParameter(_("at most two moods"), param_hint="MOODS")
    if moods == ["stop"]:
        say(_ask("journey")["text"])
        return
    named = [ways.get(mood, mood) for mood in moods]
    try:
        *start, goal = [named_mood(name).value for name in named]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="MOODS") from error
    say(_ask("journey", start=start[0] if start else "", goal=goal)["text"])


@app.command(rich_help_panel=SET_UP)
def calibrate(
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget what was learned of your face.")
    ] = False,
    camera: Annotated[
        str | None,
        typer.Option("--camera", help="Another camera than that of the settings, or - (see run)."),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=3.0, max=300.0, help="How long to look at rest.")
    ] = 30.0,
) -> None:
    """Let Moodtray learn your face at rest, in half a minute. No picture is kept."""
    from agent.cli import calibrate
    from agent.desktop import consent
    from agent.vision.sources import needs_consent

    paths = Paths.default()
    running = _answers(paths)
    chosen = _camera(camera)
    if forget:
        say(_forget_face(paths))
    elif running and chosen is None:
        say(calibrate.in_agent(_ask, tell, seconds))
    elif needs_consent(chosen) and not consent.is_given(paths):
        raise AgentError(_("The camera is not allowed: 'moodtray consent' tells what it is for."))
    else:
        numbers = calibrate.alone(paths, tell, seconds, chosen)
        say(_ask("face", numbers=numbers)["text"] if running else _(calibrate.LEARNED))


def _answers(paths: Paths) -> bool:
    from agent.errors import NotRunning
    from agent.web.door_client import call

    try:
        call(paths, "status")
    except NotRunning:
        return False
    return True


@app.command(name="notme", rich_help_panel=NOW)
def not_me() -> None:
    """Say that somebody else sits before the camera: nothing is learned of them."""
    say(_ask("notme")["text"])


@app.command(rich_help_panel=NOW)
def play() -> None:
    """Play music for your mood now."""
    say(_ask("play")["text"])


@app.command(name="next", rich_help_panel=NOW)
def next_() -> None:
    """Play another playlist for your mood."""
    say(_ask("next")["text"])


@app.command(rich_help_panel=NOW)
def undo() -> None:
    """Take the last change of the music back."""
    say(_ask("undo")["text"])


@app.command(rich_help_panel=NOW)
def mood(
    feeling: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MOOD",
            help="angry, disgusted, afraid, happy, sad, surprised or neutral; auto: go by your "
            "face again.",
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=1.0, max=1440.0, hidden=True)
    ] = None,
    time: ForMood = None,
) -> None:
    """Wrong mood? Say how you feel: mood and music follow at once, for half an hour or longer."""
    lasts = _time(time, minutes)
    say(
        _ask(
            "mood",
            emotion=_emotion(" ".join(feeling or [])),
            minutes=30.0 if lasts is None else lasts,
        )["text"]
    )


def _emotion(text: str) -> str:
    """Find the emotion that is meant: its name, or the word for who feels so; or AUTO."""
    try:
        found = parse_mood(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="MOOD") from error
    return AUTO if found is None else found.value


def _time(text: str | None, minutes: float | None) -> float | None:
    """Return the minutes from either option; None: neither is given."""
    if minutes is not None and not math.isfinite(minutes):
        raise typer.BadParameter(_("a number of minutes"), param_hint="--minutes")
    if text is None:
        return minutes
    try:
        return parse_minutes(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error


def _until(time: str | None, minutes: float | None) -> str | None:
    lasts = _time(time, minutes)
    if lasts is None:
        return None
    return (datetime.now().astimezone() + timedelta(minutes=lasts)).isoformat()


@app.command(rich_help_panel=NOW)
def music(action: Annotated[str, typer.Argument(help="pause, resume or next (track)")]) -> None:
    """Pause the music, go on with it, or skip to the next track."""
    action = action.strip().casefold()
    if action not in ("pause", "resume", "next"):
        raise typer.BadParameter(_("pause, resume or next"), param_hint="ACTION")
    say(_ask("music", action=action)["text"])


@app.command(name="break", rich_help_panel=NOW)
def break_(time: For = None) -> None:
    """Let camera and music rest."""
    say(_ask("break", until=_until(time, None))["text"])


@app.command(rich_help_panel=NOW)
def pause(time: For = None, minutes: _Minutes = None) -> None:
    """Let the camera rest; the music plays on."""
    say(_ask("pause", until=_until(time, minutes))["text"])


@app.command(rich_help_panel=NOW)
def resume() -> None:
    """End a break or a pause."""
    say(_ask("resume")["text"])


@app.command(rich_help_panel=NOW)
def preview() -> None:
    """Open or close the window that shows what the camera sees."""
    say(_ask("preview")["text"])


@app.command(name="quit", rich_help_panel=NOW)
def quit_() -> None:
    """End Moodtray."""
    say(_ask("quit")["text"])


@app.command(rich_help_panel=NOW)
def settings(
    page: Annotated[
        str, typer.Argument(help="settings, history, moods, face, start, spotify or now")
    ] = "settings",
    print_url: Annotated[
        bool, typer.Option("--print-url", help="Print the address instead; it works once.")
    ] = False,
) -> None:
    """Open the page: settings, music for your moods, history, first steps."""
    if page not in ("settings", "history", "moods", "face", "start", "spotify", "now"):
        raise typer.BadParameter(
            _("settings, history, moods, face, start, spotify or now"), param_hint="PAGE"
        )
    answer = _ask("page", page="" if page == "now" else page, show=not print_url)
    say(answer["url"] if print_url else answer["text"])


# --- autostart ------------------------------------------------------------------------------------


@app.command(rich_help_panel=SET_UP)
def install() -> None:
    """Put Moodtray into the desktop's program menu, for an installation by pipx, uv or pip."""
    from agent.desktop import launcher
    from agent.desktop.autostart.command import program_command

    _only_on_linux("install")
    entry = launcher.install(program_command())
    say(_("Moodtray is among your desktop's programs now ({entry}).").format(entry=entry))
    say(_("'moodtray autostart enable' starts it at login; 'moodtray uninstall' undoes both."))


@app.command(rich_help_panel=SET_UP)
def uninstall() -> None:
    """End Moodtray, and take away what 'install' and 'autostart enable' have set up."""
    from agent.desktop import launcher
    from agent.desktop.autostart import autostart
    from agent.desktop.removal import how_to_remove

    _only_on_linux("uninstall")
    try:
        starts = autostart().status().enabled
    except AutostartError:  # it cannot be understood, or is another user's
        starts = True
    if starts:
        autostart().disable()
        say(_("Moodtray does not start at login any more."))
    if launcher.uninstall():
        say(_("Moodtray is taken from your desktop's programs."))
    else:
        say(_("There was no entry in your desktop's programs to take away."))
    paths = Paths.default()
    if _answers(paths):  # else it would write what is deleted anew
        _ask("quit")
        if _has_ended(paths):
            say(_("Moodtray has ended."))
        else:
            say(_("Moodtray still runs: end it before you delete what it kept."))
    kept = {
        _("your settings"): paths.config,
        _("history"): paths.data,
        _("all else"): paths.state,
    }
    places = ", ".join(f"{what} ({place})" for what, place in kept.items() if os.path.isdir(place))
    if places:
        still_there = _("What it kept is still there: {places}. Delete these folders if you like.")
        say(still_there.format(places=places))
    else:
        say(_("Nothing that it kept is there any more."))
    if os.path.isdir(paths.music):
        say(_("Your own music stays in {folder}.").format(folder=short(paths.music)))
    say(how_to_remove(entries_gone=True))


def _has_ended(paths: Paths) -> bool:
    """Wait until no agent runs any more; False: it takes too long."""
    from agent.desktop.single_instance import Instance

    deadline = time.monotonic() + LET_GO_SECONDS
    while Instance(paths).is_taken():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _only_on_linux(verb: str) -> None:
    if sys.platform != "linux":
        raise DesktopError(
            _(
                "'moodtray {verb}' is for Linux. On this system the installer "
                "puts Moodtray among the programs, and the system's own "
                "settings take it away."
            ).format(verb=verb)
        )


@autostart_app.command()
def enable() -> None:
    """Start Moodtray at every login."""
    from agent.desktop.autostart import autostart

    autostart().enable()
    say(_("Moodtray starts at login from now on."))


@autostart_app.command()
def disable() -> None:
    """Do not start Moodtray at login."""
    from agent.desktop.autostart import autostart

    autostart().disable()
    say(_("Moodtray does not start at login."))


@autostart_app.command(name="status")
def autostart_status(as_json: AsJson = False) -> None:
    """Tell whether Moodtray starts at login."""
    from agent.desktop.autostart import autostart

    found = autostart().status()
    if as_json:
        say_json({"enabled": found.enabled, "command": found.command, "moved": found.moved})
        return
    say(found.describe())
