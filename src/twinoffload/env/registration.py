"""The names under which Gymnasium knows the environments."""

from gymnasium.envs.registration import register, registry


def register_environments() -> None:
    """Register `twinoffload/Operator-v0` and `twinoffload/AccessPoint-v0`, once."""
    for name in ("Operator", "AccessPoint"):
        if f"twinoffload/{name}-v0" not in registry:
            register(
                f"twinoffload/{name}-v0",
                entry_point=f"twinoffload.env.gymnasium_envs:{name}Env",
                vector_entry_point=f"twinoffload.env.gymnasium_envs:{name}VectorEnv",
            )
