"""What a study may vary: scenarios, the files they are read from, and what is told of their fields."""

from twinoffload.scenario.model import PRESETS, Scenario
from twinoffload.scenario.values import Uniform

__all__ = ["PRESETS", "Scenario", "Uniform"]
