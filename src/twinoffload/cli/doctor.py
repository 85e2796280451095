"""`twinoffload doctor`: what is installed here, and whether it computes what it should."""

from typing import Annotated, Any

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Show versions, threads and devices, and check known answers: ten seconds, half a minute the first time.

    Exit status 1 if a check fails. Please put what it prints into a report of a fault.

    Example: twinoffload doctor
    """
    from twinoffload.cli.console import output, spinner
    from twinoffload.experiments.self_check import run_checks
    from twinoffload.files import json_text

    facts = _facts()
    with spinner("Checking known answers"):
        checks = run_checks()
    if as_json:
        told = [check._asdict() for check in checks]
        typer.echo(json_text(facts | {"checks": told}))
    else:
        console = output()
        for name, value in facts.items():
            console.print(f"{name:12} {_words(value)}", soft_wrap=True)
        console.print()
        for check in checks:
            verdict = "ok" if check.fault is None else f"WRONG: {check.fault}"
            console.print(f"{check.name:46} {check.taken_s:5.1f} s  {verdict}", soft_wrap=True)
    if any(check.fault for check in checks):
        raise typer.Exit(1)


def _facts() -> dict[str, Any]:
    import importlib.util
    import os
    import platform

    import numpy
    import torch

    from twinoffload import __version__

    extras = {
        "rl": ("gymnasium", "pettingzoo", "pygame"),
        "cluster": ("ray",),
        "export": ("onnx", "onnxruntime", "onnxscript"),
        "tracking": ("mlflow", "wandb"),
        "twin": ("sklearn",),
    }
    return {
        "twinoffload": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "devices": ["cpu", *(torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count()))],
        "extras": {
            name: [module for module in modules if importlib.util.find_spec(module) is None] or "installed"
            for name, modules in extras.items()
        },
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        told = [
            f"{name}: {state if isinstance(state, str) else 'lacks ' + ', '.join(state)}"
            for name, state in value.items()
        ]
        return "; ".join(told)
    return ", ".join(value) if isinstance(value, list) else str(value)
