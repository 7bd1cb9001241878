"""One thread for torch in all tests: servers, trainings and browsers of the tests need the other cores."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
