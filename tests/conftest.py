"""What every test of this tree shares."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))  # `reference` and `strategies`, from any folder and import mode
torch.set_num_threads(1)
