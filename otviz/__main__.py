"""`python -m otviz`: the command line."""

import sys

from otviz.cli.main import main

sys.exit(main())
