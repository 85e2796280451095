"""YAML presets and files that may extend one another, and their faults told in one line."""

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml
from pydantic import BaseModel, ValidationError

TAGS = ("algorithm", "kind")  # fields that name one of several models
_FILE_LIMIT = 1_000_000  # bytes; what is read here is a page of text
_VALUES = 1_000_000  # that it may hold


@dataclass(frozen=True)
class Kind:
    """A kind of YAML file.

    Attributes:
        label: what its files are called in messages.
        package: where its presets are, in the folder `presets` of this package.
        presets: their names.
        help: what to compare a broken file with.
        named: whether a file that gives no `name` is called after its own.
        merge: puts a file's values on top of those that it extends.
        bring_in: makes whole what a file's values leave to other files, given its folder.
    """

    label: str
    package: str
    presets: tuple[str, ...]
    help: str
    named: bool = False
    merge: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = lambda base, values: base | values
    bring_in: Callable[[dict[str, Any], Path], dict[str, Any]] = lambda values, folder: values

    def preset_text(self, name: str) -> str:
        """The text of a preset."""
        return resources.files(self.package).joinpath("presets", f"{name}.yaml").read_text(encoding="utf-8")

    def read(self, source: str | os.PathLike[str], extended: tuple[str, ...] = ()) -> dict[str, Any]:
        """The values of a preset or a file, on top of those it extends.

        Raises:
            ValueError: no such preset or file, or a broken one; one line naming the place and the remedy.
        """
        label = str(source)
        told = f"{self.label} {label}"
        if label in extended:
            raise ValueError(f"{told}: extends itself ({' -> '.join((*extended, label))})")
        text = self.preset_text(label) if label in self.presets else self._read_file(Path(source))
        try:
            values = parse(text)
        except _NotOursError as error:
            raise ValueError(f"{told} line {error.line}: {error}") from None
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f" line {mark.line + 1}" if mark else ""
            raise ValueError(f"{told}{where}: is not valid YAML; compare {self.help}") from None
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise ValueError(f"{told}: must be lines of `field: value`, as in a preset")
        if self.named and label not in self.presets:
            values = {"name": re.sub(r"[^\w.-]+", "-", Path(source).stem)[:64]} | values
        base = values.pop("extends", None)
        if label not in self.presets:
            try:
                values = self.bring_in(values, Path(source).parent)
            except ValueError as error:
                raise ValueError(f"{told}: {error}") from None
        if base is None:
            return values
        if not isinstance(base, str):
            raise ValueError(f"{told}: extends = {base!r}: must be a preset or a path")
        if base not in self.presets and label not in self.presets:
            base = str(Path(source).parent / base)
        return self.merge(self.read(base, (*extended, label)), values)

    def _read_file(self, path: Path) -> str:
        told = f"{self.label} {path}"
        if not path.is_file():
            near = difflib.get_close_matches(str(path), self.presets, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"presets are {', '.join(self.presets)}"
            raise ValueError(f"{told}: is neither a preset nor a file; {hint}")
        try:
            if path.stat().st_size > _FILE_LIMIT:
                raise ValueError(f"{told}: is larger than {_FILE_LIMIT:,} bytes; is it a {self.label}?")
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{told}: is not a text file (UTF-8)") from None
        except OSError as error:
            raise ValueError(f"{told}: cannot be read: {error.strerror}") from None


def parse(text: str) -> Any:
    """What a text of YAML says; no code of it runs, and aliases cannot make it larger than `_VALUES`.

    Raises:
        yaml.YAMLError: it is no YAML, repeats a key, is too large, or holds itself.
    """
    loader = _UniqueKeys(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {}, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int], within: set[int]) -> int:
    """Values in a node with every alias written out: ten lines of them can stand for more than any memory holds."""
    if id(node) in within:
        raise _NotOursError("an alias stands for what it is in; write the value out", node.start_mark)
    if id(node) not in known:
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        total = 1
        if not isinstance(node, yaml.ScalarNode):
            within.add(id(node))
            total += sum(_size(part, known, within) for part in parts)
            within.remove(id(node))
        if total > _VALUES:
            raise _NotOursError(f"its aliases stand for more than {_VALUES:,} values", node.start_mark)
        known[id(node)] = total
    return known[id(node)]


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a validation in one line: field, value, what it must be."""
    faults = error.errors()
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    fault = next((f for f in faults if f["type"] in unknown), faults[0])
    known: list[type] = [model]
    path: list[str] = []
    last = str(fault["loc"][-1]) if fault["type"] in unknown and fault["loc"] else None  # whatever it looks like
    for part in map(str, fault["loc"]):
        chosen = [one for one in known if _tag(one) == part]
        if chosen:  # which of several models a tag names
            known = chosen
        elif part != last and (
            part in ("float", "int", "constrained-float") or "[" in part or part in (one.__name__ for one in known)
        ):
            continue  # which of several types
        else:
            path.append(part)
            if any(part in _annotations(one) for one in known):
                known = [inner for one in known if part in _annotations(one)
                         for inner in _models(_annotations(one)[part])]  # fmt: skip
    field = ".".join(path)
    if fault["type"] in unknown:
        names = [name for one in known for name in _annotations(one)]
        near = difflib.get_close_matches(path[-1], names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(names)}"
        return f"unknown field {field!r}; {hint}"
    if fault["type"].startswith("union_tag"):  # which of several models is meant
        names = ", ".join(tag for tag in map(_tag, known) if tag)
        asked = fault["ctx"]["discriminator"].strip("'")  # pyright: ignore[reportTypedDictNotRequiredAccess]
        given = fault["input"].get(asked) if isinstance(fault["input"], dict) else fault["input"]
        told = f"{field}.{asked} = {_shown(given)}" if given is not None else f"{field}.{asked} is missing"
        return f"{told}: must be one of {names}"
    if fault["type"] == "missing":
        return f"{field} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if isinstance(fault["input"], dict):  # its fields are right, each for itself
        return f"{field}: {message}" if field else message
    return f"{field} = {_shown(fault['input'])}: {message}"


def _shown(value: object) -> str:
    """The beginning of a value as Python writes it."""
    try:
        return f"{value!r:.60}"
    except ValueError:  # of more digits than Python writes
        return "a number of thousands of digits"


def _annotations(model: type) -> dict[str, Any]:
    """What each field of a model or dataclass may be."""
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    hints = get_type_hints(model)
    return {name: hints[name] for name in model.__dataclass_fields__}  # pyright: ignore[reportAttributeAccessIssue]


def _models(annotation: Any) -> list[type]:
    """Every model or dataclass that an annotation allows."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _tag(model: type) -> str | None:
    """The value of `algorithm` or `kind` that names a model among others."""
    fields = model.model_fields if issubclass(model, BaseModel) else getattr(model, "__dataclass_fields__", {})
    return next((fields[name].default for name in TAGS if name in fields), None)


class _NotOursError(yaml.YAMLError):
    """YAML that is valid, and not read here."""

    def __init__(self, message: str, mark: yaml.Mark):
        super().__init__(message)
        self.line = mark.line + 1


class _UniqueKeys(yaml.SafeLoader):
    """YAML without repeated keys, of which the last would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _NotOursError(f"{key.value!r} stands twice; keep one", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
