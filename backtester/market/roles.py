"""Roles: which instrument of a data set is what to a strategy, as a config of conf/data binds them."""

from dataclasses import replace

from backtester.errors import UserError
from backtester.market.schema import ROLE, Header, by_role


def bind_roles(header: Header, roles, where: str) -> Header:
    """A header whose instruments have the roles of the mapping `roles` {role: instrument's name}; the others are left out.

    Without a mapping the header stays as it is. Raises UserError for a role that is none, and for an instrument that is not there.
    """
    if not roles:
        return header
    known = {each.name: each for each in header.instruments if each.name}
    if not isinstance(roles, dict):
        raise UserError(f"{where}: data.roles: {roles!r}: write role: instrument, such as {{spot: {next(iter(known))}}}")
    bound = []
    for role, name in roles.items():
        if not isinstance(role, str) or not ROLE.fullmatch(role):
            raise UserError(f"{where}: data.roles: {role!r} is no role: spot, perp; of a further asset such as eth_spot")
        if name not in known:
            there = ", ".join(known)
            raise UserError(f"{where}: data.roles: {role}: no instrument {name!r} (it has {there}); fetch it, or name one of these")
        bound.append(replace(known[name], role=role))
    instruments = by_role(bound, where)
    brackets = {name: file for name, file in header.brackets.items() if name in roles.values()}
    return replace(header, instruments=instruments, brackets=brackets, unbound=tuple(sorted(set(known) - set(roles.values()))))
