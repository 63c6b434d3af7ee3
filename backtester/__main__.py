"""`python -m backtester`: the same program as `backtester`."""

import sys

from backtester.cli import main

sys.exit(main())
