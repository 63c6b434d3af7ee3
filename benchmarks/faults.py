"""Faults planted in the engine, one at a time, in a copy of the checkout: which tests find them? `python -m benchmarks.faults`.

Ends with code 1 where a fault is not found, or where a test fails without any.
"""

import sys

from benchmarks.planted import ROOT, Fault, copied, planted, run_tests

TESTS = ("test_engine", "test_venue", "test_properties", "test_vectorbt_scripts", "test_crashes")
FAULTS = (
    Fault(
        "a fill at the open of the decision's own bar", "backtester/engine/accept.py",
        "return clock.ts + terms.latency if terms.strict == 1 else clock.ts - quote.lag", "return np.int64(0)", TESTS,
    ),
    Fault(
        "funding with the wrong sign", "backtester/engine/money.py",
        "paid = position.qty * price * rate", "paid = -position.qty * price * rate", TESTS,
    ),
    Fault(
        "liquidation on the last price, not on the mark", "backtester/engine/marks.py",
        "copy(quote.path, mark, 0.0)", "copy(quote.path, bar, 0.0)", TESTS,
    ),
)  # fmt: skip


def main() -> None:
    """Print what each fault made fail."""
    unfound = []
    failed, last = run_tests(ROOT, TESTS)
    print(f"without a fault: {last}", flush=True)
    if failed:
        sys.exit("\n".join(["these fail without any fault:", *failed]))
    for fault in FAULTS:
        with copied() as checkout, planted(checkout, fault):
            failed, last = run_tests(checkout, fault.tests)
        print(f"\n{fault.name} ({fault.file}): {last}")
        print("\n".join(f"  {name}" for name in failed) or "  no test failed", flush=True)
        unfound += [] if failed else [fault.name]
    if unfound:
        sys.exit(f"not found: {', '.join(unfound)}")


if __name__ == "__main__":
    main()
