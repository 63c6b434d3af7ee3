"""Every claim of the posts broken in turn: which of its tests fail? `python -m benchmarks.broken`, or some claims by number.

docs/claims.md says what each claim is, and which tests hold it. Here a line of what measures or trades it is replaced by a
wrong one, in a copy of the checkout, and the claim's tests run there in plain Python. Ends with code 1 where one of the tests that
are named does not fail, where it fails without any fault, or where the line is not there.
"""

import sys
from pathlib import Path

from benchmarks.claims import CLAIMS
from benchmarks.planted import Fault, copied, planted, run_tests, test_id

PLAIN = {"NUMBA_DISABLE_JIT": "1"}


def main() -> None:
    """Print claim by claim which tests each fault made fail."""
    names = sys.argv[1:] or list(CLAIMS)
    if unknown := set(names) - set(CLAIMS):
        sys.exit(f"no fault for {', '.join(sorted(unknown))} (there are some for {', '.join(CLAIMS)})")
    with copied() as checkout:
        tests = sorted({test for name in names for each in CLAIMS[name] for test in each.tests})
        failed, last = run_tests(checkout, tuple(tests), **PLAIN)
        print(f"without a fault: {last}", flush=True)
        if failed:
            sys.exit("\n".join(["these fail without any fault:", *failed]))
        unfound = [line for name in names for each in CLAIMS[name] for line in try_out(checkout, name, each)]
    if unfound:
        sys.exit("\n".join(["these did not fail:", *unfound]))


def try_out(checkout: Path, claim: str, fault: Fault) -> list[str]:
    """Print what one fault made fail; returns the tests that should have failed and did not."""
    with planted(checkout, fault):
        failed, _ = run_tests(checkout, fault.tests, **PLAIN)
    print(f"{claim:4} {fault.name} ({fault.file})")
    cases = {test: sum(name.partition("[")[0] == test_id(test) for name in failed) for test in fault.tests}
    for test, n in cases.items():
        print(f"     {test}: {f'failed, {n} cases' if n > 1 else 'failed' if n else 'did not fail'}", flush=True)
    return [f"{claim}: {fault.name}: {test}" for test, n in cases.items() if n == 0]


if __name__ == "__main__":
    main()
