"""Puts the figures of metrics.json into MODEL_CARD.md, between two markers.

The prose of the card is written by people and holds no figure of its own; a test compares the
block with metrics.json and metrics.json with the model's checksum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.training.data import DataError

BEGIN, END = "<!-- figures: written by moodtray evaluate -->", "<!-- end of figures -->"

MARKS: tuple[tuple[str, str, str, float, int], ...] = (
    # what, test set, figure, mark, +1: at least, -1: at most
    ("FER+ plurality, PublicTest", "ferplus", "accuracy", 0.88, 1),
    ("FER2013's own labels, PublicTest", "fer label", "accuracy", 0.72, 1),
    ("macro recall on FER+", "ferplus", "macro_recall", 0.76, 1),
    ("calibration error (15 bins) on FER+", "ferplus", "ece", 0.03, -1),
)
DROPS = ("ferplus, gamma 0.4", "ferplus, gamma 2.5", "ferplus, 24 px")
DROP_MARK = 0.05


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table: shares in percent, loss in nats, ECE as it is."""
    head = "| test set | faces | accuracy | macro recall | macro F1 | loss | ECE |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in rows:
        shares = (f"{100 * row[k]:.1f}" for k in ("accuracy", "macro_recall", "macro_f1"))
        lines.append(
            f"| {row['set']} | {row['count']} | {' | '.join(shares)} "
            f"| {row['loss']:.3f} | {row['ece']:.3f} |"
        )
    return "\n".join(lines)


def block(metrics: dict[str, Any]) -> str:
    """Everything between the markers."""
    rows = {row["set"]: row for row in metrics["rows"]}
    model, unsure = metrics["model"], rows["ferplus"]["unsure"]
    speed = metrics["latency"]
    parts = [
        f"Model `{model['name']}`, sha256 `{model['sha256'][:16]}…`: "
        f"{model['parameters'] / 1e6:.2f} M parameters, {model['multiply_adds'] / 1e6:.0f} M "
        f"multiply-adds a face, {model['bytes'] / 1e6:.2f} MB, temperature "
        f"{model['temperature']:.3f}.",
        table(metrics["rows"]),
        f"Below a top probability of {model['unsure_below']:.2f} an answer counts as unsure: "
        f"{100 * unsure['share']:.1f} % of the FER+ faces. Right among them: "
        f"{100 * unsure['accuracy_below']:.1f} %; among the others: "
        f"{100 * unsure['accuracy_above']:.1f} %.",
        f"One face on one thread took {speed['model_ms']:.1f} ms, the seed's network in PyTorch "
        f"{speed['seed_torch_ms']:.1f} ms ({speed['ratio']:.1f} times as long), both in the run "
        "that wrote these figures.",
        _marks(rows),
        _classes(rows),
    ]
    return "\n\n".join(parts)


def _marks(rows: dict[str, dict[str, Any]]) -> str:
    lines = ["| mark | goal | reached | |", "|---|---|---|---|"]
    for what, name, key, mark, sign in MARKS:
        value = rows[name][key]
        unit = 1 if key == "ece" else 100
        goal = f"{'at least' if sign > 0 else 'at most'} {mark * unit:g}"
        met = "met" if sign * (value - mark) >= 0 else "**missed**"
        lines.append(f"| {what} | {goal} | {value * unit:.{3 if unit == 1 else 1}f} | {met} |")
    for name in DROPS:
        drop = round(rows["ferplus"]["accuracy"] - rows[name]["accuracy"], 4)
        met = "met" if drop <= DROP_MARK else "**missed**"
        what = f"points lost at {name.split(', ')[1]}"
        lines.append(f"| {what} | at most {100 * DROP_MARK:g} | {100 * drop:.1f} | {met} |")
    return "\n".join(lines)


def _classes(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| | FER+ faces | recall | precision | FER label faces | recall | precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, voted in rows["ferplus"]["per_class"].items():
        cells = [name]
        for figures in (voted, rows["fer label"]["per_class"].get(name)):
            if figures is None:
                cells += ["0", "", ""]
                continue
            cells.append(str(figures["count"]))
            cells += [f"{100 * figures[key]:.1f}" for key in ("recall", "precision")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def refresh(card: Path, metrics: dict[str, Any]) -> None:
    """Rewrites the block in ``card``. Raises DataError where the markers are missing."""
    text = card.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise DataError(f"{card} must hold the line '{BEGIN}' and, after it, '{END}', once each.")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    card.write_text(f"{before}{BEGIN}\n{block(metrics)}\n{END}{after}", encoding="utf-8")
