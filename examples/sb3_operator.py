"""stable-baselines3's SAC as the operator of `twinoffload/Operator-v0`, beside the references on held-out channels.

    python examples/sb3_operator.py --steps 60000

Prices of one slot change no later slot, so the discount is 0: the operator faces a bandit with a context. Prints the
mean operator utility of the trained policy, of `pairwise` and of the best constant price, as shares of `pairwise`.
"""

import argparse
import json
import time

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env

import twinoffload  # noqa: F401 (registers the environments)
from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.gymnasium_envs import OperatorEnv
from twinoffload.env.references import BestReplying, Constant, Equilibrium
from twinoffload.env.spaces import seen
from twinoffload.experiments.comparison import held_out, play_episodes


class Trained(BestReplying):
    """A policy of stable-baselines3 as a scheme: it prices, the mAPs best reply."""

    name = "stable-baselines3 SAC"

    def __init__(self, model, encoder):
        self.model, self.encoder = model, encoder

    def price(self, slots):
        features = seen(self.encoder.operator_features(slots))  # [seeds, episodes, N M]
        action, _ = self.model.predict(features.reshape(-1, features.shape[-1]), deterministic=True)
        return self.encoder.price(slots, torch.as_tensor(action).reshape(features.shape))


def train(scenario, steps, seed, environments):
    """A trained model."""
    env = make_vec_env("twinoffload/Operator-v0", environments, seed=seed, env_kwargs={"scenario": scenario})
    model = SAC(
        "MlpPolicy",
        env,
        gamma=0.0,
        learning_rate=1e-3,
        batch_size=256,
        learning_starts=min(1000, steps // 2),
        gradient_steps=2,
        ent_coef=0.02,
        policy_kwargs={"net_arch": [64, 64]},
        seed=seed,
        device="cpu",
    )
    return model.learn(steps)


def compare(model, scenario, seed, episodes):
    """Mean operator utility on held-out channels, money a slot: the trained policy, `pairwise`, the best constant."""
    view = OperatorEnv(scenario)
    chosen = view.seat.scenario
    channels = held_out(chosen, [seed], episodes)
    schemes = [Trained(model, view.seat.encoder), Equilibrium("pairwise"), Constant(best_constant_price(chosen))]
    return {scheme.name: play_episodes(scheme, channels)["operator"].item() for scheme in schemes}


def main(arguments=None):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scenario", default="paper", help="preset or YAML file")
    options.add_argument("--steps", type=int, default=60_000, help="slots played in training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--environments", type=int, default=8, help="played in turn, each step of training")
    options.add_argument("--episodes", type=int, default=20, help="held out")
    given = options.parse_args(arguments)
    torch.set_num_threads(1)
    begun = time.perf_counter()
    model = train(given.scenario, given.steps, given.seed, given.environments)
    trained_s = time.perf_counter() - begun
    utilities = compare(model, given.scenario, given.seed, given.episodes)
    shares = {name: round(value / utilities["pairwise"], 4) for name, value in utilities.items()}
    print(json.dumps({"steps": given.steps, "seed": given.seed, "training_s": round(trained_s, 1), "share": shares}))
    return shares


if __name__ == "__main__":
    main()
