"""The names under which Gymnasium and PettingZoo know the environments."""

from contextlib import suppress


def register_environments() -> None:
    """Register what is installed, once: `twinoffload/Operator-v0` and its kin are imported when one is made."""
    with suppress(ImportError):
        _register_with_gymnasium()
    with suppress(ImportError):
        _register_with_pettingzoo()


def _register_with_gymnasium() -> None:
    from gymnasium.envs.registration import register, registry

    for name in ("Operator", "AccessPoint"):
        if f"twinoffload/{name}-v0" not in registry:
            register(
                f"twinoffload/{name}-v0",
                entry_point=f"twinoffload.env.gymnasium_envs:{name}Env",
                vector_entry_point=f"twinoffload.env.gymnasium_envs:{name}VectorEnv",
            )


def _register_with_pettingzoo() -> None:
    from pettingzoo import aec_registry, parallel_registry, register

    if "twinoffload/Pricing-v0" not in aec_registry:
        register("aec", "twinoffload/Pricing-v0", entry_point="twinoffload.env.pricing_v0:env")
    if "twinoffload/Pricing-v0" not in parallel_registry:
        register("parallel", "twinoffload/Pricing-v0", entry_point="twinoffload.env.pricing_v0:parallel_env")
