"""`python -m otviz`: the command line."""

import sys

from otviz.cli import main

sys.exit(main())
