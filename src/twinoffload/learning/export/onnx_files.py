"""Writing graphs as ONNX and running them, with the packages of the extra `export`."""

import contextlib
import importlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinoffload.learning.export.graphs import Graph

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_CHATTY = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


def need_packages() -> dict[str, str]:
    """Versions of the packages that exporting needs.

    Raises:
        ValueError: one is missing.
    """
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.import_module(name).__version__
        except ImportError:
            raise ValueError(
                f"export: the package {name} is missing; install the extra: pip install 'twinoffload[export]'"
            ) from None
    return found


def write_graph(graph: Graph, example: Sequence[Tensor], path: Path) -> None:
    """Write a graph as one ONNX file.

    Args:
        graph: what to write.
        example: inputs of any sizes above 1 along the free axes.
        path: the file.
    """
    inputs, _ = graph.ports
    free = tuple({at: axis for at, axis in enumerate(graph.shape(port)) if isinstance(axis, str)} for port in inputs)
    with _silence(), torch.no_grad():
        program = torch.onnx.export(
            graph.module.eval(),
            tuple(example),
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=(free,),
            verbose=False,
        )
        assert program is not None
        program.save(str(path))


class Session:
    """An ONNX file at work on the CPU, one thread."""

    def __init__(self, path: str | os.PathLike[str]):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs by name to outputs by name."""
        names = [output.name for output in self._session.get_outputs()]
        values = self._session.run(names, {name: np.ascontiguousarray(value) for name, value in given.items()})
        return {name: torch.from_numpy(np.asarray(value)) for name, value in zip(names, values, strict=True)}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter speaks of its own insides; what goes wrong there it raises, and what comes out is checked."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
