"""What one (mAP, BS) pair is worth: rate, best response and best price, for a user's arrays."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from twinoffload.game.inputs import association_array, gain_array, joint_batch, market_terms, pair_array, same_pairs
from twinoffload.game.market import Market
from twinoffload.game.payoff import map_utility, profit, unit_delay_cost
from twinoffload.game.pricing import best_price, trades
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.network import link


@dataclass(frozen=True)
class Response:
    """Best response of each pair: `data` Z* in MB and `utility` in money, `[..., N, M]`."""

    data: Tensor
    utility: Tensor


@dataclass(frozen=True)
class PriceOffer:
    """Best price of each pair, `[..., N, M]`.

    Attributes:
        price: mu* in money/MB, lowered to the cap.
        profit: what it earns the operator at the mAP's best response, money.
        trade: whether there is anything to share, e + D < K, whatever the cap.
    """

    price: Tensor
    profit: Tensor
    trade: Tensor


def pair_rate(terms: Terms, gain: Tensor, on: Tensor) -> Tensor:
    """Rate of every pair in MB/s, `[..., N, M]`, given who is connected where (`on`, booleans `[..., N, M]`)."""
    received = terms.power * gain
    return link.rate(received, link.interference(received, on), terms.noise, terms.bandwidth)


def uplink_rate(market: Market, gain: Any, association: Any) -> Tensor:
    """Uplink rate of Eq. 1.

    Args:
        market: the parameters.
        gain: channel power gain h, `[..., N, M]`.
        association: BS of each mAP, `[..., N]`; -1 (off) where idle mAPs are silent.

    Returns:
        MB/s, `[..., N, M]`; for m != association[n] the rate mAP n would get on moving to m alone.

    Raises:
        ValueError: bad input, named.
    """
    gain = gain_array(gain)
    terms = market_terms(market, gain)
    association = association_array(association, market, *gain.shape[-2:]).to(gain.device)
    batch = joint_batch(gain=gain.shape[:-2], association=association.shape[:-1], market=terms.batch_shape())
    rate = pair_rate(terms, gain, link.connected(association, gain.shape[-1]))
    return rate.expand(*batch, *gain.shape[-2:]).contiguous()


def best_response(market: Market, rate: Any, price: Any) -> Response:
    """The data each mAP would send to each BS at a price, and what that is worth to it (Eqs. 11 and 15).

    Args:
        market: the parameters; the cap is not applied.
        rate: MB/s, `[..., N, M]`.
        price: money/MB in [0, inf], `[..., N, M]`; inf: not offered.

    Raises:
        ValueError: bad input, named.
    """
    rate, price = pair_array("rate", rate), pair_array("price", price, infinite=True)
    same_pairs(price=price, rate=rate)
    terms = market_terms(market, rate)
    batch = joint_batch(rate=rate.shape[:-2], price=price.shape[:-2], market=terms.batch_shape())
    delay_cost = unit_delay_cost(terms, rate)
    data = best_data(terms, delay_cost, price).expand(*batch, *rate.shape[-2:]).contiguous()
    return Response(data, map_utility(terms, delay_cost, price, data))


def optimal_price(market: Market, rate: Any) -> PriceOffer:
    """The operator's best price for each pair at a fixed rate, at most the cap (see `game.pricing`).

    Args:
        market: the parameters; no cap where `price_cap` is None.
        rate: MB/s, `[..., N, M]`.

    Raises:
        ValueError: bad input, named.
    """
    rate = pair_array("rate", rate)
    terms = market_terms(market, rate)
    shape = (*joint_batch(rate=rate.shape[:-2], market=terms.batch_shape()), *rate.shape[-2:])
    delay_cost = unit_delay_cost(terms, rate)
    price = best_price(terms, delay_cost).expand(shape).contiguous()
    earned = profit(terms, price, best_data(terms, delay_cost, price))
    return PriceOffer(price, earned, trades(terms, delay_cost).expand(shape).contiguous())
