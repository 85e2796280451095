"""Wrong associations and wrong amounts, against the slow reference and by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import market_of
from reference import Game
from strategies import calls, instances, some_prices, some_profile
from twinoffload import Scenario
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.mistakes import mistakes
from twinoffload.equilibrium.outcome import play
from twinoffload.experiments.comparison import held_out


@calls(80)
@given(instances(most_maps=4), st.integers(0, 1000))
def test_every_decision_is_judged_as_the_reference_judges_it(instance, seed):
    game, profile, price = Game(instance), some_profile(instance, seed), some_prices(instance, seed)
    generator = torch.Generator().manual_seed(seed)
    most = torch.tensor(instance.raw_data, dtype=torch.float64)
    association = torch.tensor(profile)
    data = torch.where(association < 0, 0.0, most * (0.01 + 0.99 * torch.rand(most.shape, generator=generator)))
    gain, offers = (torch.tensor(table, dtype=torch.float64) for table in (instance.gain, price))
    terms = market_of(instance).terms(instance.maps, instance.stations)
    found = mistakes(terms, gain, association, offers, data)
    for n, m in enumerate(profile):
        replies, value = game.replies(n, profile, price), instance.accuracy_value[n]
        own = replies[m].utility if m >= 0 else 0
        lost = float(max(0, *(reply.utility for reply in replies)) - own)
        if not 1e-14 * value < lost < 1e-10 * value:  # where rounding decides, either answer will do
            assert bool(found.wrong_association[n]) == (lost > 1e-12 * value)
        best = float(replies[m].data) if m >= 0 else float(data[n])
        assert found.excess[n].item() == pytest.approx(float(data[n]) - best, abs=1e-9 * instance.raw_data[n])


@pytest.fixture
def slots():
    return Slots(held_out(Scenario.load("open").replace(slots=3), (0,), 50))


def test_what_is_not_wrong_costs_nothing_and_what_is_wrong_does(slots):
    price = torch.full_like(slots.gain, 0.8)
    association = slots.association
    reply = play(slots.terms, slots.gain, association, price)
    judged = mistakes(slots.terms, slots.gain, association, price, reply["data"])
    assert 0 < judged.wrong_association.double().mean() < 1
    assert torch.equal(judged.wrong_association, reply["regret"] > 1e-12 * slots.terms.accuracy_value.squeeze(-1))
    assert (judged.excess == 0).all()
    more = mistakes(slots.terms, slots.gain, association, price, reply["data"] + 0.25)
    assert torch.equal(more.wrong_association, judged.wrong_association), "the amount does not make a BS wrong"
    torch.testing.assert_close(more.excess, torch.full_like(more.excess, 0.25))


def test_equal_stations_and_stations_worth_nothing_are_never_wrong(slots):
    association = torch.randint(2, slots.association.shape, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros_like(association, dtype=torch.float64)
    unsellable = torch.full_like(slots.gain, 1e6)
    assert not mistakes(slots.terms, slots.gain, association, unsellable, nothing).wrong_association.any()
    twin = Scenario.load("open").replace(maps=1, quality=(0.7,), slots=2)
    alone = Slots(held_out(twin, (0,), 5))
    gain = alone.gain[..., :1].expand_as(alone.gain)
    for m in (0, 1):
        there, price = torch.full_like(alone.association, m), torch.full_like(gain, 0.5)
        assert not mistakes(alone.terms, gain, there, price, torch.ones_like(gain[..., 0])).wrong_association.any()
