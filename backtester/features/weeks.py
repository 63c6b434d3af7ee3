"""The civil calendar in whole numbers: where weekends begin and end, in which time zone, daylight saving included.

A weekend is named by its Saturday, counted in days since 1970-01-01 UTC (a Thursday). No table of time zones is read:
Chicago is 6 hours behind UTC, and 5 from the second Sunday of March to the first Sunday of November, as
United States law has it since 2007.
"""

from enum import IntEnum

from backtester.features.basic import DAY, HOUR

THURSDAY_TO_SATURDAY = 2
SHIFT = 12 * HOUR  # no weekend begins earlier than this before its Saturday in UTC


class Zone(IntEnum):
    """Whose weekend."""

    SHANGHAI = 0  # Saturday and Sunday at UTC+8: Friday 16:00 to Sunday 16:00 UTC
    UTC = 1       # Saturday and Sunday
    CME = 2       # the exchange's closure: Friday 16:00 to Sunday 17:00 in Chicago


def saturday_of(ts):
    """The Saturday of the weekend that is on at `ts` (ns), or was the last; from half a day before it on, the one to come."""
    day = (ts + SHIFT) // DAY
    return day - (day - THURSDAY_TO_SATURDAY) % 7


def weekend_start(zone, saturday):
    """When the weekend begins, ns UTC."""
    if zone == Zone.SHANGHAI:
        return saturday * DAY - 8 * HOUR
    if zone == Zone.UTC:
        return saturday * DAY
    return (saturday - 1) * DAY + (16 + behind_utc(saturday - 1)) * HOUR


def weekend_end(zone, saturday):
    """When the weekend ends, ns UTC."""
    if zone == Zone.SHANGHAI:
        return (saturday + 2) * DAY - 8 * HOUR
    if zone == Zone.UTC:
        return (saturday + 2) * DAY
    return (saturday + 1) * DAY + (17 + behind_utc(saturday + 1)) * HOUR


def behind_utc(day):
    """How many hours Chicago is behind UTC in the afternoon of a day."""
    year = year_of(day)
    first = new_year(year)
    leap = new_year(year + 1) - first - 365
    march = sunday_from(first + 59 + leap) + 7
    november = sunday_from(first + 304 + leap)
    return 5 if march <= day < november else 6


def sunday_from(day):
    """The first Sunday on or after a day."""
    return day + (3 - day) % 7


def year_of(day):
    """The year of a day."""
    year = 1970 + day // 366
    while new_year(year + 1) <= day:
        year += 1
    return year


def new_year(year):
    """The first of January, days since 1970."""
    last = year - 1
    return 365 * (year - 1970) + last // 4 - last // 100 + last // 400 - 477
