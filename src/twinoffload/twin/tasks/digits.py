"""The control: handwritten digits, data that nobody here made (Alpaydin and Kaynak 1998, in scikit-learn)."""

import torch

from twinoffload.seeding import stream
from twinoffload.twin.tasks.record import Field, Layout
from twinoffload.twin.tasks.task import LossKind, Scale, Streams, Task

PIXELS, DIGITS, IMAGES = 64, 10, 1797
DARKEST = 16.0
_HELD_OUT = 397


class Digits(Task):
    """Which digit an image of 8 x 8 pixels shows.

    Raises:
        ValueError: scikit-learn is missing.
    """

    name = "digits"
    predicts = "which of ten digits an image of 8 x 8 pixels shows"
    loss: LossKind = "logistic"
    classes = DIGITS

    def __init__(self) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise ValueError("digits: scikit-learn is missing; pip install 'twinoffload[twin]'") from None
        images, digits = load_digits(return_X_y=True)
        self._records = torch.cat([torch.from_numpy(images), torch.from_numpy(digits)[:, None]], -1).float()

    @property
    def layout(self) -> Layout:
        """An image and what it shows."""
        return Layout((Field("darkness", "1/16", (8, 8), "row, column"),), (Field("digit", "1", (1,), "0 ... 9"),))

    @property
    def raw_records(self) -> int:
        """All images but those held out."""
        return IMAGES - _HELD_OUT

    def draw(self, streams: int, seed: int) -> Streams:
        """The seed says which images are held out; every stream has all others, in an order of its own."""
        generator = stream(seed, "twin world, digits")
        order = torch.randperm(IMAGES, generator=generator)
        rest = order[_HELD_OUT:]
        own = [stream(seed, f"twin drive, digits, {index}") for index in range(streams)]
        raw = [self._records[rest[torch.randperm(len(rest), generator=generator)]] for generator in own]
        spread = torch.ones(PIXELS + 1)
        spread[:PIXELS] = DARKEST
        scale = Scale(torch.zeros(PIXELS + 1), spread)
        return Streams(torch.stack(raw), self._records[order[:_HELD_OUT]], scale)
