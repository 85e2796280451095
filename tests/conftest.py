"""What every test of this tree shares."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # `reference` and `strategies`, from any folder and import mode
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _process_as_it_was():
    """Commands set the whole process up; tests run them inside their own."""
    threads = torch.get_num_threads()
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)
