"""BenchMARL trains the operator and the mAPs of `twinoffload/Pricing-v0`; its figures beside ours.

    pip install 'twinoffload[marl]'
    python examples/benchmarl_pricing.py --scenario paper open --seeds 3 > table.csv

Two groups, the operator and the mAPs, learn at once in `parallel_env`, every agent with networks of its own. Nothing
that anybody does changes the channels of a later slot, so the discount is 0; prices are paid for one step after they
were posted, and `PaidNextStep` brings the two together. Prints, as CSV, shares of `admission` on the held-out episodes
of `twinoffload evaluate`: medians and intervals over seeds, and what each training took. `tuned` is ours, trained in as
many slots, and then all its seeds for as many processor seconds as one of BenchMARL's took.
"""

import argparse
import itertools
import logging
import tempfile
import time
from dataclasses import fields

import polars as pl
import torch
from benchmarl.algorithms import algorithm_config_registry
from benchmarl.environments import PettingZooClass
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models import MlpConfig
from tensordict import TensorDict
from torchrl.envs import PettingZooWrapper
from torchrl.envs.utils import ExplorationType, set_exploration_type

from twinoffload.env import pricing_v0
from twinoffload.env.constant_price import best_constant_price
from twinoffload.env.observation import Encoder
from twinoffload.env.references import Constant, Equilibrium
from twinoffload.env.spaces import seen
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.interval import median_interval
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario

# How far actions reach beyond the ranges of prices and of amounts. Below the range of amounts all mean nothing, and
# nothing tells an mAP there which way to go: it has no such margin here.
MARGINS = {"price_margin": 0.1, "amount_margin": 0.0}


class Pricing(PettingZooClass):
    """The task: environments with seeds of their own, whose agents form two groups."""

    def get_env_fun(self, num_envs, continuous_actions, seed, device):
        seeds = itertools.count(1000 * seed)  # BenchMARL would give one seed to all

        def make():
            env = pricing_v0.parallel_env(**self.config, **MARGINS)
            groups = {"operator": env.possible_agents[:1], "maps": env.possible_agents[1:]}
            return PettingZooWrapper(env, group_map=groups, seed=next(seeds), device=device)

        return make

    def supports_continuous_actions(self):
        return True


class PaidNextStep(Callback):
    """Gives the operator's prices the reward of the step that they were paid in, and mAPs' rewards a floor.

    A batch holds whole episodes, `[environments, slots]`. Prices posted in the last step are for a slot that is not
    played: the step before stands there once more.
    """

    def on_batch_collected(self, batch):
        reward = batch["next", "operator", "reward"]
        reward[:, :-1] = reward[:, 1:].clone()
        for tensor in (reward, batch["operator", "observation"], batch["operator", "action"]):
            tensor[:, -1] = tensor[:, -2]
        batch["next", "maps", "reward"].clamp_(min=-10.0)


class Trained:
    """BenchMARL's policies, a pair for each seed, as a scheme: one forward pass a decision, without exploring."""

    observation = "load"

    def __init__(self, name, policies, scenario):
        self.name, self.policies = name, policies
        self.encoder = Encoder.of(scenario, self.observation, **MARGINS)

    def begin(self, slots):
        pass

    def price(self, slots):
        features = self.encoder.operator_features(slots).unsqueeze(-2)
        return self.encoder.price(slots, self._act("operator", features).squeeze(-2))

    def offload(self, slots, price):
        return self.encoder.offload(slots, self._act("maps", self.encoder.map_features(slots, price)))

    @torch.no_grad()
    def _act(self, group, features):
        """Actions `[seeds, episodes, agents, A]` of a group from its features `[seeds, episodes, agents, F]`."""
        rows = torch.as_tensor(seen(features))
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            acted = [
                own[group](TensorDict({group: {"observation": row}}, batch_size=row.shape[:1]))
                for own, row in zip(self.policies, rows, strict=True)
            ]
        return torch.stack([row[group, "action"] for row in acted])


def train(scenario, seed, given):
    """Policies of both groups, by name."""
    learner = algorithm_config_registry[given.algorithm].get_from_yaml()
    settings = {"share_param_critic": False, "fixed_alpha": True, "alpha_init": given.temperature}
    for name in settings.keys() & {field.name for field in fields(learner)}:
        setattr(learner, name, settings[name])
    how = ExperimentConfig.get_from_yaml()
    how.gamma, how.lr, how.max_n_frames = 0.0, given.rate, given.slots
    how.share_policy_params = False  # mAPs differ, and none sees which it is
    how.evaluation, how.loggers, how.create_json = False, [], False
    how.off_policy_n_envs_per_worker = how.on_policy_n_envs_per_worker = given.environments
    played = given.environments * scenario.slots  # whole episodes
    how.off_policy_collected_frames_per_batch = how.on_policy_collected_frames_per_batch = played
    how.off_policy_init_random_frames, how.off_policy_memory_size = played, max(given.slots, played)
    how.off_policy_n_optimizer_steps, how.off_policy_train_batch_size = given.updates, 256
    network = MlpConfig(num_cells=[64, 64], layer_class=torch.nn.Linear, activation_class=torch.nn.ReLU)
    task = Pricing("PRICING", {"scenario": scenario, "max_cycles": scenario.slots})
    with tempfile.TemporaryDirectory() as how.save_folder:
        run = Experiment(task, learner, network, seed, how, critic_model_config=network, callbacks=[PaidNextStep()])
        run.run()
    return run.group_policies


def tuned(name, scenario, seeds, given, enough):
    """Ours, episode by episode until it is `enough` of slots a seed and of processor seconds for all seeds."""
    trainer = Trainer(scenario, TrainSettings.load("tuned").replace(environments=given.environments), seeds)
    slots, spent, begun = 0, 0.0, time.process_time()
    while not enough(slots, spent):
        trainer.play_episode()
        trainer.episode += 1
        slots, spent = slots + given.environments * scenario.slots, time.process_time() - begun
    trainer.agents.name = name
    return trainer.agents, slots, round(spent)


def rows(scenario, given):
    """One row a scheme: who, what it was trained with, and medians and intervals over seeds."""
    seeds = list(range(given.seeds))
    used = time.process_time()
    policies = [train(scenario, seed, given) for seed in seeds]
    seconds = time.process_time() - used
    trained = [
        (Trained(f"BenchMARL {given.algorithm}", policies, scenario), given.slots, round(seconds)),
        tuned("tuned, as many slots", scenario, seeds, given, lambda slots, _: slots >= given.slots),
        tuned("tuned, a seed's seconds", scenario, seeds, given, lambda _, spent: spent >= seconds / len(seeds)),
    ]
    constant = Constant(best_constant_price(scenario))
    known = [(scheme, None, None) for scheme in (Equilibrium("admission"), Equilibrium("pairwise"), constant)]
    channels = held_out(scenario, seeds, given.episodes, given.held_out)
    played = [play_episodes(scheme, channels) for scheme, *_ in trained + known]
    best = played[len(trained)]
    for (scheme, slots, spent), mean in zip(trained + known, played, strict=True):
        told = {"scenario": scenario.name, "scheme": scheme.name, "seeds": len(seeds), "slots": slots, "cpu_s": spent}
        for name, unit in (("operator", "operator"), ("map", "map"), ("regret", "map")):
            interval = median_interval((mean[name] / best[unit]).tolist())
            told |= {f"{name}_{part}": round(value, 4) for part, value in interval._asdict().items()}
        yield told


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", default=["paper"], help="presets or YAML files")
    parser.add_argument("--algorithm", default="masac", help="one of BenchMARL's for continuous actions")
    parser.add_argument("--slots", type=int, default=20_000, help="played by all environments of a seed together")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0 to K-1")
    parser.add_argument("--environments", type=int, default=8, help="of each seed")
    parser.add_argument("--updates", type=int, default=80, help="after each episode of all environments; not of PPO")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of all networks")
    parser.add_argument("--temperature", type=float, default=0.02, help="of SAC, fixed, money a nat")
    parser.add_argument("--episodes", type=int, default=20, help="held out for each seed")
    parser.add_argument("--held-out", type=int, default=0, help="which held-out channels; each number gives others")
    given = parser.parse_args(arguments)
    scenarios = [Scenario.load(name) for name in given.scenario]
    torch.set_num_threads(1)
    logging.getLogger("torchrl").setLevel(logging.WARNING)
    table = pl.DataFrame([row for scenario in scenarios for row in rows(scenario, given)], infer_schema_length=None)
    print(table.write_csv(), end="")
    return table


if __name__ == "__main__":
    main()
