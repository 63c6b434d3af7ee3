"""C7c, D19: what funding leaves unpaid of the premium that the news deserve.

    gap = (anchor + kappa * heat) - annual        fractions a year

"A funding rate of 4 % itself suggests that the geopolitical premium is not fully priced in": the anchor, 10.95 % a
year, is where funding stands when nothing is going on, and every unit of heat (D22) is worth kappa, 5 % a year (a
modelling choice). Above 0 something is not priced in yet and a position may be held; below 0 its stop is drawn
closer. An unknown heat makes an unknown gap. Who has no heat says so and asks with heat 0.0: then the gap is the
distance from the anchor alone, anchor - annual, and no claim about news.
"""

ANCHOR = 0.1095  # a year, 0.01 % per 8 hours
KAPPA = 0.05     # a year, per unit of heat


def priced_in_gap(annual, heat, anchor, kappa):
    """The part of the premium that funding (`annual`, fraction a year) does not pay for, fraction a year; NaN stays NaN."""
    return anchor + kappa * heat - annual
