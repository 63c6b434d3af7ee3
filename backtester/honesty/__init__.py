"""Honesty checks on a strategy: does it use only what was known, and is its result the same however it is computed?

    from backtester.honesty import check
    for finding in check("sample", "my_idea.py", cuts=20, support=98_000):
        print(finding.check, finding.holds, finding.difference)
"""

from backtester.honesty.checks import Finding, check

__all__ = ["Finding", "check"]
