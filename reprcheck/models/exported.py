"""What a file of ``torch.export`` says, read as plain JSON and checked before torch reads it. No torch.

Torch evaluates parts of such a file: expressions of sizes as Python, names as parts of a function that it compiles,
targets as attributes of the module ``torch``, and tensors of subclasses as pickles. So each is held to what an honest
export writes, and anything else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprcheck.errors import UserError, shown
from reprcheck.models import archives

KIND = "an archive of torch.export"
REMEDY = "export the network again, and save it by torch.export.save"
PROGRAM = "models/model.json"
CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
SAMPLES = "data/sample_inputs/model.pt"

TARGET = re.compile(
    r"torch\.ops\.(aten|prims|higher_order|quantized|quantized_decomposed|torchvision)\.(?!from_file|save)\w+(\.\w+)?"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|not_|xor|getitem|index)"
    r"|math\.(ceil|floor|trunc|sqrt)"
    r"|torch\.sym_\w+|torch\._sym_\w+"
)
EXPRESSION = re.compile(
    r"(?:Symbol\('[a-z]+\d*'|Float\('[\d.e+-]+'"
    r"|\b(?:[a-z]{1,2}\d+|Integer|Rational|Add|Mul|Pow|Max|Min|Mod|PythonMod|ModularIndexing|FloorDiv|CleanDiv|CeilDiv"
    r"|IntTrueDiv|FloatTrueDiv|TruncToInt|TruncToFloat|FloorToInt|CeilToInt|RoundToInt|RoundDecimal|ToFloat|PowByNatural"
    r"|FloatPow|LShift|RShift|Identity|Where|Piecewise|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|StrictLessThan|LessThan"
    r"|StrictGreaterThan|GreaterThan|And|Or|Not|ceiling|floor|oo|int_oo|true|false|True|False|precision"
    r"|positive|nonnegative|negative|nonpositive|integer|real|zero|nonzero|finite|even|odd)\b"
    r"|\d+(?:\.\d+)?(?:e[+-]?\d+)?|[-+*/%(),<>=!&|~ ])*+"  # possessive: a long refusal takes no longer than its text
)
NAME = re.compile(r"[\w.]*")
CONTAINERS = re.compile(r"builtins\.(tuple|list|dict)|collections\.OrderedDict")
FREE = {"metadata", "guards_code", "as_string", "as_operator", "opset_version", "torch_version", "verifiers"}
"""Keys whose texts torch neither evaluates nor compiles."""


@dataclass(frozen=True)
class Images:
    """What a network takes: numbers that are fixed, None for those that are free."""

    batch: int | None
    channels: int | None
    height: int | None
    width: int | None


def read(path: Path) -> Images:
    """Return what an exported network takes.

    Raises
    ------
    UserError
        For what is no such archive, holds a pickle or compiled code, says what an honest export wouldn't, or takes
        anything but one batch of images.
    """
    files = archives.members(path, KIND, REMEDY)
    for needed in (PROGRAM, *CONFIGS):
        if needed not in files:
            raise UserError(str(path), f"isn't {KIND} of this version of torch: it has no {needed}", REMEDY)
    for name in files:
        if name.startswith("data/aotinductor") or (name.startswith("models/") and name != PROGRAM):
            raise UserError(str(path), f"holds {name}: compiled code, or a second network", REMEDY)
        if name.endswith(".pt") and name != SAMPLES:
            raise UserError(str(path), f"holds {name}, which would have to be unpickled", REMEDY)
    for config in CONFIGS:
        _refuse_pickles(path, _json(path, files[config]))
    program = _json(path, files[PROGRAM])
    for key, text in _texts(program):
        if not _is_honest(key, text):
            what = f"{key} is {shown(text)}, which no export writes and torch might run: nothing of it was run"
            raise UserError(str(path), what, REMEDY)
    return _images(path, program)


def _json(path: Path, name: str) -> Any:
    try:
        return json.loads(archives.read_text(path, name))
    except (ValueError, RecursionError) as error:
        raise UserError(str(path), f"{name} isn't JSON ({error})", REMEDY) from None


def _refuse_pickles(path: Path, config: Any) -> None:
    payloads = config.get("config") if isinstance(config, dict) else None
    if not isinstance(payloads, dict):
        raise UserError(str(path), "lists its tensors in no known way", REMEDY)
    for name, payload in payloads.items():
        stored = payload.get("path_name") if isinstance(payload, dict) else None
        plain = isinstance(stored, str) and re.fullmatch(r"(weight|tensor)_\d+", stored)
        if not plain or payload.get("use_pickle") is not False:
            what = f"{shown(name)} is no plain tensor, and would have to be unpickled"
            raise UserError(str(path), what, "export the network without tensor subclasses and objects of its own")


def _texts(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of the program with its key, keys of mappings too, but for those that are free."""
    waiting: list[tuple[str, Any]] = [(key, tree)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, list):
            waiting += [(key, inner) for inner in value]
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield "a key", name
                if name not in FREE:
                    waiting.append((name, inner))


def _is_honest(key: str, text: str) -> bool:
    if key == "target" and "." in text and text.partition(".")[0] in ("torch", "_operator", "math"):
        return TARGET.fullmatch(text) is not None
    if key in ("expr_str", "as_expr"):
        return EXPRESSION.fullmatch(text) is not None
    if key in ("in_spec", "out_spec"):
        return _is_plain_tree(text)
    return NAME.fullmatch(text) is not None


def _is_plain_tree(text: str) -> bool:
    """Return whether a description of arguments is of plain containers only; torch imports what others name."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return text == ""
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            kind = value.get("type")
            if "__enum__" in value or (kind is not None and not (isinstance(kind, str) and CONTAINERS.fullmatch(kind))):
                return False
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and ("__enum__" in value or "default_factory" in value):
            return False
    return True


def _images(path: Path, program: Any) -> Images:
    """Return what the program's own input is."""
    try:
        module = program["graph_module"]
        given = [spec["user_input"]["arg"] for spec in module["signature"]["input_specs"] if "user_input" in spec]
        tensors = module["graph"]["tensor_values"]
        sizes = [tensors[arg["as_tensor"]["name"]]["sizes"] for arg in given if "as_tensor" in arg]
        if len(given) == 1 and len(sizes) == 1 and len(sizes[0]) == 4:
            return Images(*(size.get("as_int") for size in sizes[0]))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            str(path), f"its program isn't written as in this version of torch ({error!r})", REMEDY
        ) from None
    what = f"takes {len(given)} inputs, not one batch of images float32[N, C, H, W]"
    raise UserError(str(path), what, "export the network with images as its only input")
