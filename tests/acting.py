"""Lists of actions through the compiled loop: the little markets of reference.by_hand, and any other market.

The strategy that asks for the actions is reference.actor's; one compilation serves every test.
"""

import functools
from dataclasses import replace
from unittest import mock

from reference import actor, by_hand

from backtester.engine.bind import bind
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.market.merge import build
from backtester.results.tables import tables as tables_of

REASONS = {reason.value: reason.name.lower() for reason in actor.Reason}


@functools.cache
def bound(roles):
    """The actor in the loop."""
    return bind(actor.Actor, roles)


def prepared(tables, instruments, venue, actions):
    """What `run_recorded` and `watch` take: the actor, a market that carries the actions at its first instrument, parameters, terms."""
    first, *others = instruments
    if not first.name:
        first = replace(first, name="S", taker_bp=0.0)
    market = build("acted", (first, *others), tables | {("exogenous", 0): actor.carry(actions)}, actor.TAGS)
    return bound(market.roles), market, params_of(actor.Actor, {}), terms_of(venue_of(venue), market)


def act_out(tables, instruments, venue, actions):
    """The tables of a run: table -> column -> list, as reference.engine.simulate gives them."""
    strategy, market, params, terms = prepared(tables, instruments, venue, actions)
    _, log = run_recorded(strategy, market, params, terms)
    return {name: {column: values.tolist() for column, values in table.items()} for name, table in tables_of(log, market, REASONS).items()}


class Run(by_hand.Run):
    """A little market of reference.by_hand in the compiled loop."""

    def __init__(self, *arguments, **keywords):
        with mock.patch.object(by_hand, "simulate", act_out):
            super().__init__(*arguments, **keywords)
