"""A scheme of somebody's own, found by name: `my_module:MyScheme`, or `path/to/my_file.py:MyScheme`."""

import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

POLICIES = ("price", "offload")
_CALLED = {"begin": 1, "price": 1, "offload": 2, "learn": 5}  # arguments that we give


@dataclass(frozen=True)
class OwnSource:
    """Where a scheme comes from.

    Attributes:
        source: as it was given.
        name: of the scheme, in tables and figures.
        digest: of the file's text, so that results of one version are never taken for another's.
        made: the class.
        file: where it stands.
    """

    source: str
    name: str
    digest: str
    made: type
    file: Path

    @property
    def learns(self) -> bool:
        """Whether it has a method `learn`."""
        return callable(getattr(self.made, "learn", None))


def find_scheme(source: str) -> OwnSource:
    """The class of that name.

    Raises:
        ValueError: no such module, file or class; or it lacks a method, takes other arguments, or has no fit name.
    """
    where, colon, attribute = source.rpartition(":")
    if not colon or not where or not attribute.isidentifier():
        raise ValueError(f"scheme {source!r}: must be my_module:MyScheme, or path/to/my_file.py:MyScheme")
    module = _module(source, where)
    made = getattr(module, attribute, None)
    if not isinstance(made, type):
        known = ", ".join(name for name, value in vars(module).items() if _may_be_scheme(value, module)) or "none"
        raise ValueError(f"scheme {source}: {where} has no class {attribute}; schemes there: {known}")
    if not any(callable(getattr(made, name, None)) for name in POLICIES):
        raise ValueError(f"scheme {source}: has neither `price(slots)` nor `offload(slots, price)`; give one, or both")
    for name, count in _CALLED.items():
        _check_arguments(source, made, name, count)
    name = getattr(made, "name", attribute)
    if not isinstance(name, str) or not re.fullmatch(r"[\w.,+-][\w.,+ -]{0,39}", name):
        raise ValueError(f"scheme {source}: name = {name!r}: must be 1 to 40 letters, digits, spaces or .,+-_")
    file = Path(inspect.getsourcefile(made) or module.__file__ or "")
    return OwnSource(source, name, hashlib.sha256(file.read_bytes()).hexdigest()[:16], made, file)


def call(source: OwnSource, what: str, function: Any, *arguments: Any) -> Any:
    """Somebody's own code; what it raises becomes one line that says where.

    Raises:
        ValueError: it raised.
    """
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise ValueError(f"scheme {source.source}: {what} failed: {_told(error, source.file)}") from error


def _module(source: str, where: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise ValueError(
                f"scheme {source}: there is no file {where} in {Path.cwd()}; go to where it was named from"
            )
        name = f"_own_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look themselves up there
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise ValueError(f"scheme {source}: {where} cannot be imported: {_told(error, path)}") from error
        return module
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # an installed command does not look where it is called
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            raise ValueError(f"scheme {source}: there is no module {where} here ({Path.cwd()}) or installed") from None
        raise ValueError(f"scheme {source}: {where} cannot be imported: {error}") from error
    except Exception as error:
        raise ValueError(f"scheme {source}: {where} cannot be imported: {_told(error, None)}") from error


def _may_be_scheme(value: Any, module: ModuleType) -> bool:
    here = isinstance(value, type) and value.__module__ == module.__name__
    return here and any(callable(getattr(value, name, None)) for name in POLICIES)


def _check_arguments(source: str, made: type, name: str, count: int) -> None:
    method = getattr(made, name, None)
    if method is None:
        return
    try:
        inspect.signature(method).bind(*[None] * (count + 1))  # self, too
    except TypeError:
        wanted = {"begin": "slots", "price": "slots", "offload": "slots, price"}
        arguments = wanted.get(name, "slots, price, association, data, payoff")
        raise ValueError(f"scheme {source}: its `{name}` must take ({arguments})") from None


def _told(error: BaseException, file: Path | None) -> str:
    """An error in one line, with the last line of somebody's own file that it went through."""
    words = " ".join(str(error).split()) or "no message"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file is not None and Path(frame.filename) == file]
    at = own[-1] if own else frames[-1] if frames else None
    place = f" ({Path(at.filename).name}, line {at.lineno})" if at is not None else ""
    return f"{type(error).__name__}: {words[:200]}{place}"
