"""Mistakes in the settings, told in the user's words: the key, what is allowed, what was found."""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Iterable, Mapping
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
from agent.store.toml_text import section_of
from agent.translation import N_, _, english
from agent.types import EMOTIONS, LOOPS

_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\s*$")
MOST_TOLD = 30
"""Mistakes that are told; for each the whole text is looked through."""
LONGEST_LINE = 1_000
"""Characters of a line for which a remedy is looked for."""
TRUE_OR_FALSE = N_("true or false")
LIST_OF_TEXTS = N_("a list of texts")
_MAY_HOLD_A_LOGIN = re.compile(r"[@?&:]|=.*=|(?i:secret|password)")
_EXAMPLES = {
    name: json.dumps(field.examples[0])
    for name, field in Settings.model_fields.items()
    if field.examples
}
"""The sections of moods, each with a list of texts as a user may write it."""
_BY_KEY: Mapping[str, str] = types.MappingProxyType({})
"""Names for keys: none but their own."""


def syntax_error(path: Path, text: str, error: ValueError) -> SettingsError:
    """Explain text that is no TOML; ``error`` is tomllib's."""
    what = _TOML_PLACE.sub("", str(error))
    place = _TOML_PLACE.search(str(error))
    lines = text.splitlines()
    if place is not None and place.group(1):
        number, column = int(place.group(1)), int(place.group(2))
        where = _("line {number}, column {column}").format(number=number, column=column)
        # An unclosed text or list is noticed only on the line after it.
        shown = lines[number - 1].strip() if number <= len(lines) else ""
    else:
        where = _("line {number}, at its end").format(number=max(1, len(lines)))
        shown = lines[-1].strip() if lines else ""
    remedy = _remedy(shown)
    if _MAY_HOLD_A_LOGIN.search(shown):
        shown = addresses.mask_settings(shown)
    quoted = f"\n    {printable(addresses.mask_to_line_end(shown))}" if shown else ""
    told = f" {remedy}" if remedy else ""
    return SettingsError(f"{path}, {where}: {_(what[:1].lower() + what[1:])}.{told}{quoted}")


_TOML_SAYS = (
    N_("invalid value"),
    N_("invalid statement"),
    N_("unclosed array"),
    N_("unclosed inline table"),
    N_("unterminated string"),
    N_("cannot overwrite a value"),
    N_("cannot declare a table twice"),
    N_("invalid initial character for a key part"),
    N_("expected '=' after a key in a key/value pair"),
    N_("expected newline or end of document after a statement"),
    N_("expected ']' at the end of a table declaration"),
    N_("invalid date or datetime"),
)
"""What tomllib says most often; the rest stays as it says it."""
_REMEDIES = (
    (
        r"""[=\[,]\s*"[^"]*\\""",
        N_(
            "In double quotes a backslash begins a code. Put such a text into single quotes: "
            r"'C:\Users\me\Music'."
        ),
    ),
    (r"(?i)=\s*(?:yes|true|on)\s*(?:#|$)", N_("Write true, in small letters and without quotes.")),
    (
        r"(?i)=\s*(?:no|false|off)\s*(?:#|$)",
        N_("Write false, in small letters and without quotes."),
    ),
    (r"=\s*[+-]?\d+,\d+\s*(?:#|$)", N_("Write a point instead of the comma, such as 0.45.")),
    (
        r"=\s*[+-]?(?:\.\d+|\d+\.)\s*(?:#|$)",
        N_("Write a digit before and after the point, as in 0.5."),
    ),
    (r"=\s*\d+(?:\.\d+)?\s*[A-Za-z%]+\s*(?:#|$)", N_("Write the number alone, without its unit.")),
    (r"=\s*\d{1,2}:\d\d\s*(?:#|$)", N_('Put a time of day into quotes, such as "22:00".')),
    (r"(?i)=\s*(?:none|null|nil|)\s*(?:#|$)", N_("To have the default, take the line out.")),
    (r"=\s*[“”„«»‘’]", N_('Use plain quotes: "like this".')),
    (r"""=\s*[~/A-Za-z][^"'\[{]*$""", N_('Put a text into quotes: "like this".')),
    (r"""=\s*\[\s*[~/A-Za-z]""", N_('Put each text into quotes: ["~/Music/Happy"].')),
    (r"^[A-Za-z_.\s]+:(?!//)", N_("Write = between a name and its value, not a colon.")),
)


def _remedy(line: str) -> str:
    """Say what to write instead, for the mistakes that people make; empty for others."""
    if len(line) > LONGEST_LINE:
        return ""
    return next((_(words) for form, words in _REMEDIES if re.search(form, line)), "")


def encoding_error(path: Path, error: UnicodeDecodeError) -> SettingsError:
    """Explain a file that is no UTF-8 text."""
    line = error.object[: error.start].count(b"\n") + 1
    return SettingsError(
        _(
            "{path}, line {line}: this is no UTF-8 text. Save the file with the encoding UTF-8."
        ).format(path=path, line=line)
    )


def value_errors(
    path: Path | None, text: str, error: ValidationError, called: Mapping[str, str] = _BY_KEY
) -> SettingsError:
    """Explain TOML that breaks the rules of :class:`agent.settings.Settings`: one line a key.

    Without ``path`` (a value on its way into the file) no place is named. ``called``: names for
    keys other than their own.
    """
    told: dict[tuple[str, ...], str] = {}
    for item in error.errors(include_url=False, include_input=True):
        keys = _keys(item["loc"])
        if keys not in told and len(told) == MOST_TOLD:
            told[()] = _("More is wrong further down.")
            break
        # A union reports one error for each of its members: one line is enough.
        if keys not in told:
            told[keys] = _sentence(path, text, keys, item, called)
    return SettingsError("\n".join(told.values()))


def all_errors(
    path: Path | None,
    text: str,
    error: ValidationError | None,
    entries: Iterable[tuple[tuple[str, ...], str]],
    called: Mapping[str, str] = _BY_KEY,
) -> SettingsError:
    """Explain TOML that breaks the rules (``error``), or names paths which cannot be meant so."""
    told = [value_errors(path, text, error, called).message] if error is not None else []
    for keys, entry in entries:
        if len(told) == MOST_TOLD:
            told.append(_("More is wrong further down."))
            break
        why = _path_mistake(entry, a_folder=keys[0] != "camera")
        if why:
            line = line_of(text, keys, entry)
            where = _place(path, line)
            told.append(f"{where}{_called(keys, called)}: {why}")
    return SettingsError("\n".join(told))


def _path_mistake(entry: str, *, a_folder: bool) -> str:
    """Say what is wrong with a path, and what to write instead; empty: nothing."""
    if is_whole_path(entry):
        return ""
    example = "~/Music/Happy" if a_folder else "~/Videos/clip.mp4"
    if not entry.strip():
        other = (
            _("take it out of the list")
            if a_folder
            else _("take the line out for the first webcam")
        )
        return _('"" names nothing. Write a path such as "{example}", or {other}.').format(
            example=example, other=other
        )
    if addresses.seems_meant(entry):
        return _(
            "this address lacks its beginning. Write it in full, such as "
            '"rtsp://192.168.1.5/stream".'
        )
    shown = _shown(entry)
    if entry.startswith(LOOPS):
        return _('"{shown}" is none of the Moodtray loops. Allowed are {loops}.').format(
            shown=shown, loops=", ".join(f"{LOOPS}{emotion}" for emotion in EMOTIONS)
        )
    if has_controls(entry):
        return _(
            '"{shown}" holds a character that cannot be seen. In double quotes a backslash begins '
            r"a code: put such a path into single quotes, such as 'C:\Users\me\Music'."
        ).format(shown=shown)
    if entry.startswith("~"):
        name = _shown(re.split(r"[/\\]", entry[1:])[0])
        meant = printable(addresses.mask(f"~/{entry[1:]}"))
        return _(
            '"{shown}": there is no user "{name}". In your own folder it is "{meant}".'
        ).format(shown=shown, name=name, meant=meant)
    return _(
        '"{shown}" is not a whole path. Begin it with ~/ for your own folder, such as '
        '"{example}", or with the root of the disk.'
    ).format(shown=shown, example=example)


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


def _place(path: Path | None, line: int | None) -> str:
    """Say where it stands, as the beginning of a message; without ``path`` nowhere."""
    if path is None:
        return ""
    if line is None:
        return f"{path}: "
    return _("{path}, line {line}: ").format(path=path, line=line)


def _called(keys: tuple[str, ...], called: Mapping[str, str]) -> str:
    key = ".".join(keys)
    return _("“{label}”").format(label=called[key]) if key in called else _shown(key)


def _shown(text: str) -> str:
    """Quote what stands in the file: a camera's address may have strayed to any place of it."""
    if addresses.is_address(text) or addresses.seems_meant(text):
        return printable(addresses.place(text), 60)
    return printable(addresses.mask(text), 60)


def _sentence(
    path: Path | None, text: str, keys: tuple[str, ...], item: Any, called: Mapping[str, str]
) -> str:
    if not keys:  # it is about the whole
        return f"{_place(path, None)}{item['msg']}."
    name = _called(keys, called)
    line = line_of(text, keys)
    where = _place(path, line)
    if item["type"] == "extra_forbidden" or (keys[0] in _EXAMPLES and item["loc"][-1] == "[key]"):
        told = _('there is no setting "{name}".').format(name=name)
        return f"{where}{told} {_did_you_mean(keys)}"
    if item["type"] == "value_error":  # our own words
        reason = str(item["ctx"]["error"])
        return f"{where}{name}: {reason}."
    rule = _find(keys)
    if rule is None:
        return f"{where}{name}: {item['msg']}."
    if len(keys) == 1 and _model(keys) is not None:
        told = _("[{name}] must be a section with settings of its own, {found}.").format(
            name=name, found=_found(item)
        )
        return where + told
    told = _("{name} must be {rule}, {found}.").format(name=name, rule=rule, found=_found(item))
    return f"{where}{told}{_advice(rule, item['input'])}"


def _advice(rule: str, value: object) -> str:
    """Say how the value is to be written, where it was nearly right."""
    if not isinstance(value, str):
        return ""
    written = ""
    if english(rule) == TRUE_OR_FALSE:
        word = value.strip().lower()
        written = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word, word)
        written = written if written in ("true", "false") else ""
    elif "number" in english(rule) and re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", value):
        written = value.strip().replace(",", ".")
    if written:
        return " " + _("Write {value}, without quotes.").format(value=printable(written, 60))
    if english(rule).startswith(LIST_OF_TEXTS) and not addresses.holds_login(value):
        return " " + _('Put it into brackets: ["{value}"].').format(value=printable(value, 60))
    return ""


def _found(item: Any) -> str:
    value = item["input"]
    if isinstance(value, bool):
        return _("not {value}").format(value=str(value).lower())
    if isinstance(value, str):
        return _('not "{value}"').format(value=_shown(value))
    if isinstance(value, list | tuple):
        return _("not a list")
    if isinstance(value, dict):
        return _("not a section")
    if isinstance(value, float):
        value = f"{value:.10g}"
    return _("not {value}").format(value=value)


def _did_you_mean(keys: tuple[str, ...]) -> str:
    *parents, wrong = keys
    known = _known(tuple(parents))
    close = difflib.get_close_matches(wrong, known, n=1)
    place = f"[{'.'.join(parents)}]" if parents else _("the file")
    if close:
        return _('Did you mean "{name}"?').format(name=".".join([*parents, close[0]]))
    elsewhere = [
        section
        for section, field in Settings.model_fields.items()
        if section not in parents and wrong in _known((section,)) and _model((section,)) is not None
    ]
    if elsewhere:
        return _("It belongs into the section [{section}].").format(section=elsewhere[0])
    return _("In {place} these are allowed: {known}.").format(place=place, known=", ".join(known))


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
        like = _("a list of texts like {example}").format(example=_EXAMPLES[keys[0]])
        return like if known else None
    field = parent.model_fields.get(keys[-1])
    if field is None:
        return None
    if keys[-1] in _EXAMPLES:
        return _("a section of moods, each with a list of texts")
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
        return _(LIST_OF_TEXTS)
    if kind is bool:
        return _(TRUE_OR_FALSE)
    if kind is int:
        return _("a whole number{range}").format(range=_range(bounds))
    if kind is float:
        return _("a number{range}").format(range=_range(bounds))
    if kind is time:
        return _('a time of day like "22:00"')
    return _('a text in "quotation marks"')


def _range(bounds: list[Any]) -> str:
    flat: list[Any] = []
    for bound in bounds:
        flat.extend(bound.metadata if isinstance(bound, FieldInfo) else [bound])
    low = next((b.ge for b in flat if isinstance(b, annotated_types.Ge)), None)
    above = next((b.gt for b in flat if isinstance(b, annotated_types.Gt)), None)
    high = next((b.le for b in flat if isinstance(b, annotated_types.Le)), None)
    words = ""
    if low is not None:
        words += _(" from {low}").format(low=_plain(low))
    if above is not None:
        words += _(" above {low}").format(low=_plain(above))
    if high is not None:
        up_to = _(" to {high}") if above is None else _(" up to {high}")
        words += up_to.format(high=_plain(high))
    return words


def _plain(number: Any) -> str:
    return f"{number:g}" if float(number) < 1e6 else str(number)


def _either(choices: list[str]) -> str:
    if len(choices) < 2:
        return "".join(choices)
    return _("{some} or {last}").format(some=", ".join(choices[:-1]), last=choices[-1])


def line_of(text: str, keys: tuple[str, ...], entry: str | None = None) -> int | None:
    """Find the line on which a key (or its section) stands.

    None where the plain search finds none.
    """
    section, above = "", ".".join(keys[:-1])
    key = re.compile(rf'\s*"?{re.escape(keys[-1])}"?\s*=')
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        begun = section_of(line)
        if begun is not None:
            section = begun
            if len(keys) == 1 and section == keys[0]:
                return number
        elif section == above and key.match(line):
            if entry is None:
                return number
            rest = enumerate(lines[number - 1 :], start=number)
            return next((at for at, below in rest if entry in below), number)
    return None
