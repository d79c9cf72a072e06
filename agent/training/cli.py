"""The commands ``train``, ``evaluate`` and ``export``; parse, call, print.

PyTorch and matplotlib are imported inside the commands: ``moodtray run`` never pays for them.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.errors import AgentError
from agent.printable import printable_lines
from agent.store.paths import models_dir
from agent.training.paths import check_folder, check_network, faces_cache, in_words

if TYPE_CHECKING:
    from agent.training.dataset import Pictures

Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of ferplus.npz (default: $MOODTRAY_DATA).")
]
Run = Annotated[Path, typer.Option("--run", help="Folder of the run: checkpoints and log.")]


def register(app: typer.Typer, *, hidden: bool = False) -> None:
    """Add the three commands to ``app``; ``hidden``: its help does not name them."""
    app.command("train", hidden=hidden)(train)
    app.command("export", hidden=hidden)(export)
    app.command("evaluate", hidden=hidden)(evaluate)


def _say(text: str, err: bool = False) -> None:
    """Write lines to the terminal: words from outside, such as names of files, steer it not."""
    typer.echo(printable_lines(text), err=err)


@contextmanager
def _in_words(needs: tuple[str, ...] = ("torch", "onnx", "matplotlib")) -> Iterator[None]:
    """Show expected trouble as a line on stderr and exit code 1; needs the extra ``train``."""
    try:
        missing = [m for m in needs if importlib.util.find_spec(m) is None]
        if missing:
            raise AgentError(
                f"This command needs {', '.join(missing)}, which is not installed. "
                "Install it with: pip install 'moodtray[train]'"
            )
        yield
    except AgentError as error:
        _say(f"{error.title}: {error}", err=True)
        raise typer.Exit(1) from error
    except BrokenPipeError:  # whoever read our lines has read enough
        raise
    except OSError as error:
        _say(f"{AgentError.title}: {in_words(error)}", err=True)
        raise typer.Exit(1) from error


def train(
    data: Data = None,
    run: Run = Path("runs/moodnet"),
    network: Annotated[
        str, typer.Option(help="moodnet, or seed: the network and plan the project began with.")
    ] = "moodnet",
    epochs: Annotated[int | None, typer.Option(min=1, help="Times through the data.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=2, help="Faces a step, over all processes.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate, above 0.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Decides every random choice.")
    ] = None,
    supplement: Annotated[
        bool | None,
        typer.Option(
            "--supplement/--no-supplement",
            help="Train on muxspace.npz too (default: as the network's plan says).",
        ),
    ] = None,
    begin_from: Annotated[
        Path | None,
        typer.Option("--from", help="best.pt of another run, or an exported .onnx, to begin with."),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="best.pt of a trained run, or an exported .onnx, to learn from too; may be given "
            "repeatedly."
        ),
    ] = None,
    teachers_share: Annotated[
        float | None, typer.Option(help="How much of a target is the teachers' answer, 0 to 1.")
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help="More faces, KIND=PATH: fer-csv, ferplus-csv, folders, affectnet-yolo."),
    ] = None,
    on_fault: Annotated[
        str, typer.Option(help="Rows of --add that cannot be used: skip or refuse.")
    ] = "refuse",
) -> None:
    """Train, or go on where --run stopped. On several processors: torchrun -m agent -- train."""
    with _in_words():
        from agent.training import train
        from agent.training.corpora import Faults, join_added
        from agent.training.data import corpora, data_folder, held_out
        from agent.training.from_onnx import as_checkpoint
        from agent.training.network import NETWORKS
        from agent.training.train import SEED_PLAN, Plan, Stop

        if network not in NETWORKS:
            raise AgentError(f"--network is one of {', '.join(NETWORKS)}, not {network}.")
        if on_fault not in ("skip", "refuse"):
            raise AgentError(f"--on-fault is skip or refuse, not {on_fault}.")
        if rate is not None and not 0 < rate < math.inf:
            raise AgentError(f"--rate is a number above 0, e.g. 0.08, not {rate}.")
        if teachers_share is not None and not 0 <= teachers_share <= 1:
            raise AgentError(f"--teachers-share is a number from 0 to 1, not {teachers_share}.")
        check_folder(run, "--run")
        plan = SEED_PLAN if network == "seed" else Plan(network=network)
        given: dict[str, Any] = {"epochs": epochs, "batch": batch, "rate": rate, "seed": seed}
        given["supplement"] = supplement
        given["teachers_share"] = teachers_share
        plan = dataclasses.replace(plan, **{k: v for k, v in given.items() if v is not None})
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        if plan.batch < 2 * processes:
            raise AgentError(
                f"--batch is shared out over {processes} processes, each of which needs at least "
                f"2 faces a step: give at least {2 * processes}, not {plan.batch}."
            )
        first = int(os.environ.get("RANK", "0")) == 0
        folder, cache = data_folder(data), faces_cache()
        training, validation = corpora(folder, cache, plan.validation, plan.seed, plan.supplement)
        faults = Faults(refuse=on_fault == "refuse")
        if add:
            held = held_out(folder, cache, validation)
            training = join_added(training, held, add, faults)
        if first:
            for line in faults.summary():
                _say(line)
            _say(f"{len(training)} faces to train on, {len(validation)} for validation.")
        if begin_from is not None:
            made = as_checkpoint(begin_from, training.pictures, run)
            plan = dataclasses.replace(plan, begin_from=str(made))
        if teacher:
            files = [as_checkpoint(file, training.pictures, run) for file in teacher]
            plan = dataclasses.replace(plan, teachers=tuple(str(file) for file in files))
        try:
            last = train.train(plan, training, validation, run)
        except Stop:
            if first:
                _say(f"Stopped. The same command goes on from {run / 'last.pt'}.")
            raise typer.Exit(130) from None
        if first:
            _say(f"Done: {last}. Next: moodtray export --run {run}")


def export(
    data: Data = None,
    run: Run = Path("runs/moodnet"),
    target: Annotated[
        Path | None, typer.Option(help="The .onnx file to write (default: the shipped one).")
    ] = None,
    votes: Annotated[
        float, typer.Option(help="Share of the votes' head in the answer, 0 to 1.")
    ] = 1.0,
    lift: Annotated[float, typer.Option(help="How far rare expressions are lifted, 0 to 1.")] = 0.0,
    choose: Annotated[
        bool,
        typer.Option(
            "--choose",
            help="Write nothing: show what several --votes and --lift reach on validation.",
        ),
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write an eight-bit copy beside it, and compare.")
    ] = False,
    mixed: Annotated[
        list[str] | None,
        typer.Option(
            "--mix",
            help="Mean of weights: FILE=SHARE, another best.pt (or exported .onnx) of the same "
            "network and its share of the whole, 0 to 1; may be given repeatedly.",
        ),
    ] = None,
) -> None:
    """Write the best checkpoint of a run as ONNX, calibrated, with its metadata."""
    with _in_words():
        from agent.training import export
        from agent.training.checkpoint import mix
        from agent.training.data import corpora, data_folder, shares
        from agent.training.export import Blend, choices
        from agent.training.train import Plan

        for option, number in (("--votes", votes), ("--lift", lift)):
            if not 0 <= number <= 1:  # nan, too; older typer's limits let it through
                raise AgentError(f"{option} is a number from 0 to 1, not {number}.")
        file = target or models_dir() / "emotion.onnx"
        if not choose:
            check_network(file, "--target")
        plan = _plan_of(run)
        known = {f.name: plan[f.name] for f in dataclasses.fields(Plan) if f.name in plan}
        results = Plan(**known)
        training, validation = corpora(
            data_folder(data), faces_cache(), results.validation, results.seed, False
        )
        wanted_shares = shares(training)
        best = run / "best.pt"
        if mixed:
            others = [_part_of_mix(given, training.pictures, run) for given in mixed]
            best = run / "mixed.pt"
            mix(run / "best.pt", others, best)
        if choose:
            rows = choices(best, validation, wanted_shares)
            _say("\n".join(_choice_lines(rows)))
            return
        meta = export.export(best, validation, wanted_shares, file, Blend(votes, lift))
        _say(
            f"{file}: {meta['bytes'] / 1e6:.2f} MB, temperature {meta['temperature']}, "
            f"unsure below {meta['unsure_below']}, validation accuracy "
            f"{100 * meta['validation']['accuracy']:.1f} %. Next: moodtray evaluate"
        )
        from agent.training.quantise import compare, copy_of, quantise, stale_copy

        if int8:
            copy = copy_of(file)
            quantise(file, copy, training, validation)
            verdict = compare(file, copy, validation)
            _say(
                f"{copy}: {copy.stat().st_size / 1e6:.2f} MB, validation accuracy "
                f"{100 * verdict.accuracy_int8:.1f} % against {100 * verdict.accuracy:.1f} %, "
                f"{verdict.ms_int8:.2f} ms a face against {verdict.ms:.2f} ms: "
                + ("it pays" if verdict.pays else "it does not pay")
            )
        elif line := stale_copy(file):
            _say(line, err=True)


def _part_of_mix(given: str, faces: Pictures, folder: Path) -> tuple[Path, float]:
    """Read FILE=SHARE of --mix. Raises AgentError."""
    from agent.training.from_onnx import as_checkpoint

    file, _, share = given.rpartition("=")
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not file or not 0 < number < 1:
        raise AgentError(f"--mix is FILE=SHARE, the share between 0 and 1, not {given}.")
    return as_checkpoint(Path(file), faces, folder), number


def _choice_lines(rows: list[dict[str, float]]) -> list[str]:
    """Make a Markdown table, in percent, of what :func:`agent.training.export.choices` gives."""
    lines = [
        "| --votes | --lift | FER+ accuracy | macro recall | loss | ECE | FER label accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [f"{100 * row[key]:.1f}" for key in ("accuracy", "macro_recall")]
        lines.append(
            f"| {row['votes']:g} | {row['lift']:g} | {' | '.join(shares)} | {row['loss']:.3f} "
            f"| {row['ece']:.3f} | {100 * row['label_accuracy']:.1f} |"
        )
    return lines


def _plan_of(run: Path) -> dict[str, Any]:
    try:
        plan: dict[str, Any] = json.loads((run / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(
            f"{run} holds no run ({error}). Name one with --run, or train first."
        ) from error
    return plan


def _streams(
    data: Path | None,
    recorded: Path | None,
    fit: int,
    renew: bool,
    figures: Path | None,
    as_json: bool,
) -> None:
    from agent.training import streams, streams_report

    def tell(line: str) -> None:
        _say(line, err=True)

    if recorded is not None:
        with _in_words(needs=("matplotlib",) if figures else ()):
            rows = streams_report.of_recording(recorded)
            _say(json.dumps({"rows": rows}, indent=1) if as_json else streams.table(rows))
            if figures is not None:
                check_folder(figures, "--figures")
                _draw_curves(streams.read(recorded), figures)
        return
    with _in_words(needs=("torch", "matplotlib")):
        from agent.training.data import data_folder
        from agent.training.simulation import simulate

        answers = streams_report.answers_of(data_folder(data), faces_cache())
        if fit:
            best = streams_report.fit(answers["validation"], fit, hours=28, seed=fit, tell=tell)
            _say(json.dumps(dataclasses.asdict(best), indent=1))
            return
        report = streams_report.of_simulation(answers, tell)
        _say(json.dumps(report, indent=1) if as_json else streams_report.table(report))
        if renew:
            if not streams_report.write(report, models_dir().parent / "README.md"):
                raise AgentError("README.md has no place for the table of --streams.")
            figures = models_dir() / "figures"
        if figures is not None:
            check_folder(figures, "--figures")
            seed = streams_report.SEED["PublicTest"]
            hours = streams_report.CURVE_SITTINGS
            _draw_curves(simulate(answers["PublicTest"], seed, hours), figures)


def _train_rival(data: Path | None, run: Path, steps: int) -> None:
    with _in_words(needs=("torch",)):
        from agent.training import recurrent, streams_report
        from agent.training.data import data_folder

        check_folder(run, "--run")
        answers = streams_report.answers_of(data_folder(data), faces_cache())["validation"]
        target = models_dir() / streams_report.WEIGHTS
        recurrent.train(answers, run, target, steps, 1, _say)


def _draw_curves(recording: Any, figures: Path) -> None:
    from agent.training import plots, streams_report

    figures.mkdir(parents=True, exist_ok=True)
    plots.streams(streams_report.curves(recording), figures / "streams.png")


def evaluate(
    data: Data = None,
    model: Annotated[
        Path | None, typer.Option(help="The .onnx file to measure (default: the shipped one).")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The run it came from, for the learning curves.")
    ] = None,
    rival: Annotated[
        list[str] | None,
        typer.Option(
            help="Another network to measure beside it, NAME=FILE.onnx; FILE.json beside it names "
            "its labels and scaling (agent/training/baselines.py). May be given several times."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for the PNG figures (default: beside the shipped model only)."),
    ] = None,
    fit_quality: Annotated[
        bool,
        typer.Option(
            "--fit-quality",
            help="Instead: the weights of agent/vision/quality.py, fitted on validation faces.",
        ),
    ] = False,
    streams: Annotated[
        bool,
        typer.Option("--streams", help="Measure how well the mood is found in looks over time."),
    ] = False,
    recorded: Annotated[
        Path | None,
        typer.Option("--file", help="With --streams: a recording (.npz) instead of simulation."),
    ] = None,
    fit: Annotated[
        int, typer.Option(min=0, help="With --streams: so many steps towards better parameters.")
    ] = 0,
    recurrent: Annotated[
        int,
        typer.Option(
            min=0, help="With --streams: train the recurrent rival so many steps, in --run."
        ),
    ] = 0,
    renew: Annotated[
        bool, typer.Option("--renew", help="With --streams: renew the README's table and curves.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Only the figures, as JSON.")] = False,
) -> None:
    """Measure a model on every test set; for the shipped one, renew metrics.json, card, figures."""
    if streams or recorded is not None:
        if recurrent:
            _train_rival(data, run or Path("runs/recurrent"), recurrent)
            return
        _streams(data, recorded, fit, renew, figures, as_json)
        return
    with _in_words():
        from agent.training import baselines, evaluate, results
        from agent.training.data import data_folder
        from agent.training.model_card import block, faces_block, front_block

        shipped = model is None
        file = model or models_dir() / "emotion.onnx"
        log = None if run is None else run / "log.csv"
        if log is not None and not log.is_file():
            raise AgentError(f"{log} is missing: --run names the folder of a run that has begun.")
        drawn = figures or (file.parent / "figures" if shipped else None)
        if log is not None and drawn is None:
            raise AgentError("--run is for the learning curves: say where with --figures DIR.")
        if drawn is not None:
            check_folder(drawn, "--figures")
        folder = data_folder(data)
        if fit_quality:
            _say(json.dumps(_fitted(file, folder), indent=1))
            return
        if shipped:
            results.check_shipped(file, folder)
        result = evaluate.evaluate(
            file, folder, faces_cache(), drawn, log,
            [baselines.load(spec) for spec in rival or []], lambda line: _say(line, err=True),
        )  # fmt: skip
        text = json.dumps(result, indent=1)
        front = result.pop("front", None)
        faces = result.pop("faces", None)
        sha256 = result["model"]["sha256"]
        if shipped:
            results.keep(file.parent, result, front, faces)
        if as_json:
            _say(text)
        else:
            _say(block(result))
        if not as_json and front is not None:
            _say("\n" + front_block(front, sha256))
        if not as_json and faces is not None:
            _say("\n" + faces_block(faces, sha256))
        if drawn is not None:
            new = {"learning-curves.png": log is not None, "front.png": front is not None}
            for line in results.earlier_figures(drawn, sha256, [name for name in new if new[name]]):
                _say(line, err=True)


def _fitted(model: Path, folder: Path) -> dict[str, float]:
    """Fit the quality of looks for ``model`` on validation faces."""
    from agent.training.data import corpora
    from agent.training.face_figures import fit_trust
    from agent.training.train import Plan
    from agent.vision.expression import ExpressionClassifier

    plan = Plan()
    validation = corpora(folder, faces_cache(), plan.validation, plan.seed, False)[1]
    return fit_trust(ExpressionClassifier.load(model), validation)
