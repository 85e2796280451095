"""BenchMARL trains the operator and the mAPs of `twinoffload/Pricing-v0`, beside ours and the references.

    pip install 'twinoffload[marl]'
    python examples/benchmarl_pricing.py --scenario open --slots 24000

Two groups, the operator and the mAPs, learn at once in `parallel_env` and have networks of their own. No price and no
amount changes a later slot's channels, so the discount is 0; what the operator earns with its prices is paid one
step after it posted them, and `PaidNextStep` brings the two together. Prints a JSON document: the shares of
`admission` on the held-out episodes of `twinoffload evaluate`, and the seconds of training.
"""

import argparse
import itertools
import json
import tempfile
import time
from dataclasses import fields

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
from twinoffload.env.references import Constant, Equilibrium, Reactive
from twinoffload.env.spaces import seen
from twinoffload.experiments.comparison import compare, held_out
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.learning.training import Trainer
from twinoffload.scenario import Scenario

ALGORITHMS = ("isac", "masac", "ippo", "mappo", "iddpg", "maddpg")
MARGIN = 0.1  # how far actions reach beyond the ranges of prices and amounts, as in the environment


class Pricing(PettingZooClass):
    """The task: environments with seeds of their own, their agents in two groups."""

    def get_env_fun(self, num_envs, continuous_actions, seed, device):
        seeds = itertools.count(1000 * seed)

        def make():
            env = pricing_v0.parallel_env(**self.config, price_margin=MARGIN, amount_margin=MARGIN)
            groups = {"operator": env.possible_agents[:1], "maps": env.possible_agents[1:]}
            return PettingZooWrapper(env, group_map=groups, seed=next(seeds), device=device)

        return make

    def supports_continuous_actions(self):
        return True


class PaidNextStep(Callback):
    """Gives the operator's prices the reward of the step in which they were taken, and mAPs' rewards a floor.

    A batch holds whole episodes, `[environments, slots]`. Nobody takes the prices posted in their last steps: there
    the step before is repeated.
    """

    def on_batch_collected(self, batch):
        operator = batch["next", "operator", "reward"]
        operator[:, :-1] = operator[:, 1:].clone()
        operator[:, -1] = operator[:, -2]
        for key in ("observation", "action"):
            batch["operator", key][:, -1] = batch["operator", key][:, -2]
        batch["next", "maps", "reward"].clamp_(min=-10.0)


class Trained:
    """Policies of BenchMARL, one pair for each seed, as a scheme."""

    observation = "load"

    def __init__(self, name, policies, encoder):
        self.name, self.policies, self.encoder = name, policies, encoder

    def begin(self, slots):
        pass

    def price(self, slots):
        features = torch.as_tensor(seen(self.encoder.operator_features(slots)))
        return self.encoder.price(slots, self._act("operator", features.unsqueeze(-2)).squeeze(-2))

    def offload(self, slots, price):
        features = torch.as_tensor(seen(self.encoder.map_features(slots, price)))
        return self.encoder.offload(slots, self._act("maps", features))

    @torch.no_grad()
    def _act(self, group, features):
        """Actions `[seeds, episodes, agents, A]` without exploring."""
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            given = [TensorDict({group: {"observation": row}}, batch_size=row.shape[:1]) for row in features]
            return torch.stack(
                [policy[group](row)[group, "action"] for policy, row in zip(self.policies, given, strict=True)]
            )


def train(scenario, algorithm, slots, seed, options):
    """Policies of both groups."""
    learner = algorithm_config_registry[algorithm].get_from_yaml()
    settings = {"share_param_critic": False, "fixed_alpha": True, "alpha_init": options.temperature, "entropy_coef": 1e-3}
    for name in {field.name for field in fields(learner)} & set(settings):
        setattr(learner, name, settings[name])
    experiment = ExperimentConfig.get_from_yaml()
    experiment.max_n_frames, experiment.gamma, experiment.lr = slots, 0.0, options.rate
    experiment.share_policy_params = False  # mAPs differ, and none sees who it is
    experiment.evaluation, experiment.loggers, experiment.create_json = False, [], False
    batch = options.environments * scenario.slots
    experiment.off_policy_n_envs_per_worker = experiment.on_policy_n_envs_per_worker = options.environments
    experiment.off_policy_collected_frames_per_batch = experiment.on_policy_collected_frames_per_batch = batch
    experiment.off_policy_n_optimizer_steps = options.updates
    experiment.off_policy_train_batch_size = 256
    experiment.off_policy_init_random_frames = batch
    network = MlpConfig(num_cells=[64, 64], layer_class=torch.nn.Linear, activation_class=torch.nn.ReLU)
    task = Pricing("PRICING", {"scenario": scenario, "max_cycles": scenario.slots})
    with tempfile.TemporaryDirectory() as experiment.save_folder:
        run = Experiment(task, learner, network, seed, experiment, critic_model_config=network, callbacks=[PaidNextStep()])
        run.run()
    return run.group_policies


def ours(scenario, slots, seeds, environments):
    """`tuned` after as many slots for each seed."""
    settings = TrainSettings.load("tuned")
    episodes = max(1, slots // (environments * scenario.slots))
    trainer = Trainer(scenario, settings.replace(episodes=episodes, environments=environments), seeds)
    trainer.run(lambda rows: None)
    return trainer.agents


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="paper", help="preset or YAML file")
    parser.add_argument("--algorithm", default="isac", choices=ALGORITHMS)
    parser.add_argument("--slots", type=int, default=24_000, help="played in training, by all environments together")
    parser.add_argument("--seeds", type=int, default=1, help="0 to K-1")
    parser.add_argument("--environments", type=int, default=4, help="played in turn")
    parser.add_argument("--updates", type=int, default=200, help="after each episode of all environments; not of PPO")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of all networks")
    parser.add_argument("--temperature", type=float, default=0.02, help="of SAC, fixed, money a nat")
    parser.add_argument("--episodes", type=int, default=20, help="held out for each seed")
    parser.add_argument("--held-out", type=int, default=0, help="which held-out channels; each number gives others")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    scenario, seeds = Scenario.load(given.scenario), list(range(given.seeds))
    begun, used = time.perf_counter(), time.process_time()
    policies = [train(scenario, given.algorithm, given.slots, seed, given) for seed in seeds]
    wall, processor = time.perf_counter() - begun, time.process_time() - used
    encoder = Encoder.of(scenario, "load", price_margin=MARGIN, amount_margin=MARGIN)
    constant = best_constant_price(scenario)
    schemes = [
        Trained(f"BenchMARL {given.algorithm}", policies, encoder),
        Equilibrium("admission"),
        Equilibrium("pairwise"),
        Constant(constant),
        Reactive(constant, 0),
    ]
    table = compare(schemes, held_out(scenario, seeds, given.episodes, given.held_out), seeds)
    print(table.select('scheme','seed','operator_share_of_admission','map_share_of_admission','regret_share','data_mb','wrong_association_share').rows(), wall, processor)
    return table


if __name__ == "__main__":
    main()
