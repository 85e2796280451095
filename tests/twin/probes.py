"""Tasks whose right answer is known."""

import torch

from twinoffload.seeding import stream
from twinoffload.twin.tasks.record import Field, Layout
from twinoffload.twin.tasks.task import Scale, Streams, Task

INPUTS = 6


class Probe(Task):
    """Independent normal features and a target of one's choice."""

    name, predicts, loss = "probe", "what the test says", "squared"

    def __init__(self, target, records=2000, classes=0):
        self.target, self._records, self.classes = target, records, classes
        self.loss = "logistic" if classes else "squared"

    @property
    def layout(self):
        return Layout((Field("x", "1", (INPUTS,)),), (Field("y", "1", (1,)),))

    @property
    def raw_records(self):
        return self._records

    def draw(self, streams, seed):
        own = [self._made(self._records, stream(seed, f"probe, {index}")) for index in range(streams)]
        held_out = self._made(1000, stream(seed, "probe, held out"))
        return Streams(torch.stack(own), held_out, Scale(torch.zeros(INPUTS + 1), torch.ones(INPUTS + 1)))

    def _made(self, records, generator):
        features = torch.randn(records, INPUTS, generator=generator)
        noise = torch.randn(records, generator=generator)
        return torch.cat([features, self.target(features, noise)[:, None]], -1)


def linear(features, noise):
    """Learnable to the last."""
    return features @ torch.tensor([0.5, -0.5, 0.5, -0.3, 0.2, 0.0])


def nothing(features, noise):
    """There is nothing to learn."""
    return noise


def sign(features, noise):
    """Two classes that a line divides."""
    return (linear(features, noise) > 0).float()


def coin(features, noise):
    """Two classes that nothing tells apart."""
    return (noise > 0).float()
