"""Pictures of slots for `render`: as arrays, or on a window."""

from typing import Any

import numpy as np

from twinoffload.env.picture import picture
from twinoffload.env.scene import Scene
from twinoffload.scenario import Scenario

MODES = ("human", "rgb_array")


class Display:
    """What `render_mode` asks for.

    Args:
        mode: "rgb_array", "human" (a window, by pygame) or None.
        scenario: what is drawn.
        frames_per_s: at most so many slots a second on the window.

    Raises:
        ValueError: an unknown mode; "human" without pygame; a scenario that has no map.
    """

    def __init__(self, mode: str | None, scenario: Scenario, frames_per_s: int):
        if mode is not None and mode not in MODES:
            raise ValueError(f"render_mode = {mode!r}: must be one of {', '.join(MODES)}, or None")
        if mode is not None and scenario.gains is not None:
            raise ValueError(f"render_mode = {mode!r}: scenario {scenario.name} has measured gains, which have no map")
        self.frames_per_s, self._window, self._pygame = frames_per_s, None, None
        if mode == "human":
            self._pygame = _pygame()

    def picture(self, scene: Scene) -> np.ndarray:
        """uint8 `[height, width, 3]`."""
        return picture(scene)

    def show(self, scene: Scene) -> None:
        """Draw on the window, made when first needed, no faster than `frames_per_s`."""
        pygame, drawn = self._pygame, picture(scene)
        if pygame is None:
            return
        if self._window is None:
            pygame.display.init()
            self._window = pygame.display.set_mode((drawn.shape[1], drawn.shape[0]))
            pygame.display.set_caption("twinoffload")
            self._clock = pygame.time.Clock()
        self._window.blit(pygame.surfarray.make_surface(drawn.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self.frames_per_s)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None and self._pygame is not None:
            self._pygame.display.quit()
            self._window = None


def _pygame() -> Any:
    try:
        import pygame
    except ImportError:
        raise ValueError(
            "render_mode = 'human' draws with pygame, which is not installed: pip install 'twinoffload[rl]'"
        ) from None
    return pygame
