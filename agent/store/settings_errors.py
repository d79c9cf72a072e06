"""Mistakes in the settings, told in the user's words: the key, what is allowed, what was found."""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from agent import addresses
from agent.errors import SettingsError
from agent.printable import printable
from agent.settings import EmotionName, Settings
from agent.store.paths import has_controls, is_whole_path

_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\s*$")
_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_MAY_HOLD_A_LOGIN = re.compile(r"[@?&:]|=.*=|(?i:secret|password)")
_EXAMPLES = {
    name: json.dumps(field.examples[0])
    for name, field in Settings.model_fields.items()
    if field.examples
}
"""The sections of moods, each with a list of texts as a user may write it."""


def syntax_error(path: Path, text: str, error: ValueError) -> SettingsError:
    """Explain text that is no TOML; ``error`` is tomllib's."""
    what = _TOML_PLACE.sub("", str(error))
    place = _TOML_PLACE.search(str(error))
    lines = text.splitlines()
    if place is not None and place.group(1):
        number, column = int(place.group(1)), int(place.group(2))
        where = f"line {number}, column {column}"
        # An unclosed text or list is noticed only on the line after it.
        shown = lines[number - 1].strip() if number <= len(lines) else ""
    else:
        where, shown = f"line {max(1, len(lines))}, at its end", lines[-1].strip() if lines else ""
    remedy = _remedy(shown)
    if _MAY_HOLD_A_LOGIN.search(shown):
        shown = addresses.mask_settings(shown)
    quoted = f"\n    {printable(addresses.mask_to_line_end(shown))}" if shown else ""
    told = f" {remedy}" if remedy else ""
    return SettingsError(f"{path}, {where}: {what[:1].lower()}{what[1:]}.{told}{quoted}")


_REMEDIES = (
    (
        r"""[=\[,]\s*"[^"]*\\""",
        "In double quotes a backslash begins a code. Put such a text into single quotes: "
        r"'C:\Users\me\Music'.",
    ),
    (r"(?i)=\s*(?:yes|true|on)\s*(?:#|$)", "Write true, in small letters and without quotes."),
    (r"(?i)=\s*(?:no|false|off)\s*(?:#|$)", "Write false, in small letters and without quotes."),
    (r"=\s*[+-]?\d+,\d+\s*(?:#|$)", "Write a point instead of the comma, such as 0.45."),
    (
        r"=\s*[+-]?(?:\.\d+|\d+\.)\s*(?:#|$)",
        "Write a digit before and after the point, as in 0.5.",
    ),
    (r"=\s*\d+(?:\.\d+)?\s*[A-Za-z%]+\s*(?:#|$)", "Write the number alone, without its unit."),
    (r"=\s*\d{1,2}:\d\d\s*(?:#|$)", 'Put a time of day into quotes, such as "22:00".'),
    (r"(?i)=\s*(?:none|null|nil|)\s*(?:#|$)", "To have the default, take the line out."),
    (r"=\s*[“”„«»‘’]", 'Use plain quotes: "like this".'),
    (r"""=\s*[~/A-Za-z][^"'\[{]*$""", 'Put a text into quotes: "like this".'),
    (r"""=\s*\[\s*[~/A-Za-z]""", 'Put each text into quotes: ["~/Music/Happy"].'),
    (r"^[A-Za-z_.\s]+:(?!//)", "Write = between a name and its value, not a colon."),
)


def _remedy(line: str) -> str:
    """Say what to write instead, for the mistakes that people make; empty for others."""
    return next((words for form, words in _REMEDIES if re.search(form, line)), "")


def encoding_error(path: Path, error: UnicodeDecodeError) -> SettingsError:
    """Explain a file that is no UTF-8 text."""
    line = error.object[: error.start].count(b"\n") + 1
    return SettingsError(
        f"{path}, line {line}: this is no UTF-8 text. Save the file with the encoding UTF-8."
    )


def value_errors(path: Path | None, text: str, error: ValidationError) -> SettingsError:
    """Explain TOML that breaks the rules of :class:`agent.settings.Settings`: one line a key.

    Without ``path`` (a value on its way into the file) no place is named.
    """
    told: dict[tuple[str, ...], str] = {}
    for item in error.errors(include_url=False, include_input=True):
        keys = _keys(item["loc"])
        # A union reports one error for each of its members: one line is enough.
        if keys not in told:
            told[keys] = _sentence(path, text, keys, item)
    return SettingsError("\n".join(told.values()))


def all_errors(
    path: Path | None,
    text: str,
    error: ValidationError | None,
    entries: Iterable[tuple[tuple[str, ...], str]],
) -> SettingsError:
    """Explain TOML that breaks the rules (``error``), or names paths which cannot be meant so."""
    told = [value_errors(path, text, error).message] if error is not None else []
    for keys, entry in entries:
        why = _path_mistake(entry, a_folder=keys[0] != "camera")
        if why:
            line = line_of(text, keys, entry)
            where = "" if path is None else f"{path}, line {line}: " if line else f"{path}: "
            told.append(f"{where}{'.'.join(keys)}: {why}")
    return SettingsError("\n".join(told))


def _path_mistake(entry: str, *, a_folder: bool) -> str:
    """Say what is wrong with a path, and what to write instead; empty: nothing."""
    if is_whole_path(entry):
        return ""
    example = "~/Music/Happy" if a_folder else "~/Videos/clip.mp4"
    if not entry.strip():
        other = "take it out of the list" if a_folder else "take the line out for the first webcam"
        return f'"" names nothing. Write a path such as "{example}", or {other}.'
    if addresses.seems_meant(entry):
        return (
            "this address lacks its beginning. Write it in full, such as "
            '"rtsp://192.168.1.5/stream".'
        )
    shown = printable(entry, 60)
    if has_controls(entry):
        return (
            f'"{shown}" holds a character that cannot be seen. In double quotes a backslash begins '
            r"a code: put such a path into single quotes, such as 'C:\Users\me\Music'."
        )
    if entry.startswith("~"):
        name = re.split(r"[/\\]", entry[1:])[0]
        meant = f"~/{entry[1:]}"
        return f'"{shown}": there is no user "{name}". In your own folder it is "{meant}".'
    return (
        f'"{shown}" is not a whole path. Begin it with ~/ for your own folder, such as '
        f'"{example}", or with the root of the disk.'
    )


def allowed(keys: Iterable[str]) -> str:
    """Say what a key may hold. Raises KeyError for a key that does not exist."""
    field = _find(tuple(keys))
    if field is None:
        raise KeyError(".".join(keys))
    return field


# -- inside


def _keys(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    # Drops what pydantic adds behind the key itself: union members, places in lists, "[key]".
    keys: list[str] = []
    for part in loc:
        complete = bool(keys) and _model(tuple(keys)) is None and not _has_moods(keys)
        if complete or not isinstance(part, str) or part == "[key]":
            break
        keys.append(part)
    return tuple(keys)


def _has_moods(keys: list[str]) -> bool:
    return len(keys) == 1 and keys[0] in _EXAMPLES


def _sentence(path: Path | None, text: str, keys: tuple[str, ...], item: Any) -> str:
    name = ".".join(keys)
    line = line_of(text, keys)
    where = "" if path is None else f"{path}, line {line}: " if line else f"{path}: "
    if item["type"] == "extra_forbidden" or (keys[0] in _EXAMPLES and item["loc"][-1] == "[key]"):
        return f'{where}there is no setting "{name}". {_did_you_mean(keys)}'
    if item["type"] == "value_error":  # our own words
        reason = str(item["ctx"]["error"])
        return f"{where}{name}: {reason}."
    rule = _find(keys)
    if rule is None:
        return f"{where}{name}: {item['msg']}."
    if len(keys) == 1 and _model(keys) is not None:
        return f"{where}[{name}] must be a section with settings of its own, {_found(item)}."
    return f"{where}{name} must be {rule}, {_found(item)}.{_advice(rule, item['input'])}"


def _advice(rule: str, value: object) -> str:
    """Say how the value is to be written, where it was nearly right."""
    if not isinstance(value, str):
        return ""
    if rule == "true or false" and value.strip().lower() in ("true", "yes", "on"):
        return " Write true, without quotes."
    if rule == "true or false" and value.strip().lower() in ("false", "no", "off"):
        return " Write false, without quotes."
    if "number" in rule and re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", value):
        return f" Write {value.strip().replace(',', '.')}, without quotes."
    if rule.startswith("a list of texts"):
        return f' Put it into brackets: ["{printable(value, 60)}"].'
    return ""


def _found(item: Any) -> str:
    value = item["input"]
    if isinstance(value, bool):
        return f"not {str(value).lower()}"
    if isinstance(value, str):
        if addresses.is_address(value) or addresses.seems_meant(value):
            value = addresses.place(value)
        return f'not "{printable(value, 60)}"'
    if isinstance(value, list | tuple):
        return "not a list"
    if isinstance(value, dict):
        return "not a section"
    return f"not {value}"


def _did_you_mean(keys: tuple[str, ...]) -> str:
    *parents, wrong = keys
    known = _known(tuple(parents))
    close = difflib.get_close_matches(wrong, known, n=1)
    place = f"[{'.'.join(parents)}]" if parents else "the file"
    if close:
        return f'Did you mean "{".".join([*parents, close[0]])}"?'
    elsewhere = [
        section
        for section, field in Settings.model_fields.items()
        if section not in parents and wrong in _known((section,)) and _model((section,)) is not None
    ]
    if elsewhere:
        return f"It belongs into the section [{elsewhere[0]}]."
    return f"In {place} these are allowed: {', '.join(known)}."


def _known(parents: tuple[str, ...]) -> list[str]:
    if not parents:
        return list(Settings.model_fields)
    if parents[0] in _EXAMPLES:
        return list(get_args(EmotionName))
    model = _model(parents)
    return list(model.model_fields) if model is not None else []


def _model(keys: tuple[str, ...]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Settings
    for key in keys:
        field = model.model_fields.get(key) if model is not None else None
        kind = field.annotation if field is not None else None
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return model


def _find(keys: tuple[str, ...]) -> str | None:
    """Find the rule for a key in words, None when there is no such key."""
    parent = _model(keys[:-1])
    if parent is None:
        known = len(keys) == 2 and keys[0] in _EXAMPLES and keys[1] in get_args(EmotionName)
        return f"a list of texts like {_EXAMPLES[keys[0]]}" if known else None
    field = parent.model_fields.get(keys[-1])
    if field is None:
        return None
    if keys[-1] in _EXAMPLES:
        return "a section of moods, each with a list of texts"
    return _words(field)


def _words(field: FieldInfo) -> str:
    return _kind(field.annotation, list(field.metadata))


def _kind(kind: Any, bounds: list[Any]) -> str:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *more = get_args(kind)
        return _kind(inner, [*more, *bounds])
    if origin is Literal:
        return _either([f'"{v}"' if isinstance(v, str) else str(v) for v in get_args(kind)])
    if origin in (Union, types.UnionType):
        return _either([_kind(k, bounds) for k in get_args(kind) if k is not type(None)])
    if origin is tuple:
        return "a list of texts"
    if kind is bool:
        return "true or false"
    if kind is int:
        return "a whole number" + _range(bounds)
    if kind is float:
        return "a number" + _range(bounds)
    if kind is time:
        return 'a time of day like "22:00"'
    return 'a text in "quotation marks"'


def _range(bounds: list[Any]) -> str:
    flat: list[Any] = []
    for bound in bounds:
        flat.extend(bound.metadata if isinstance(bound, FieldInfo) else [bound])
    low = next((b.ge for b in flat if isinstance(b, annotated_types.Ge)), None)
    above = next((b.gt for b in flat if isinstance(b, annotated_types.Gt)), None)
    high = next((b.le for b in flat if isinstance(b, annotated_types.Le)), None)
    words = ""
    if low is not None:
        words += f" from {_plain(low)}"
    if above is not None:
        words += f" above {_plain(above)}"
    if high is not None:
        words += f" {'up ' if above is not None else ''}to {_plain(high)}"
    return words


def _plain(number: Any) -> str:
    return f"{number:g}" if float(number) < 1e6 else str(number)


def _either(choices: list[str]) -> str:
    if len(choices) < 2:
        return "".join(choices)
    return ", ".join(choices[:-1]) + " or " + choices[-1]


def line_of(text: str, keys: tuple[str, ...], entry: str | None = None) -> int | None:
    """Find the line on which a key (or its section) stands.

    None where the plain search finds none.
    """
    section = ""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        header = _HEADER.match(line)
        if header:
            section = header.group(1)
            if len(keys) == 1 and section == keys[0]:
                return number
        elif ".".join(keys[:-1]) == section and re.match(
            rf'\s*"?{re.escape(keys[-1])}"?\s*=', line
        ):
            if entry is None:
                return number
            rest = enumerate(lines[number - 1 :], start=number)
            return next((at for at, below in rest if entry in below), number)
    return None
