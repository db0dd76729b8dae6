"""``python -m reprcheck``: the command line."""

import sys

from reprcheck.cli import main

sys.exit(main())
