"""Verdicts on runs: does a snapshot cover the target, and is the training stable?

`wording` defines verdicts, `limits` the thresholds; `rules` judges a snapshot (`snapshot_rules`), `stability` the history,
and `run_rules` combines both.
"""

from otviz.evaluation.verdicts.diversity_example import DiversityExample, notebook_diversity_example
from otviz.evaluation.verdicts.limits import FINISHED, LATE
from otviz.evaluation.verdicts.rules import judge
from otviz.evaluation.verdicts.run_rules import verdict
from otviz.evaluation.verdicts.stability import loss_spread
from otviz.evaluation.verdicts.wording import History, Judgement, Kind, Meter, Stability, Verdict

__all__ = [
    "FINISHED", "LATE", "DiversityExample", "History", "Judgement", "Kind", "Meter", "Stability", "Verdict", "judge",
    "loss_spread", "notebook_diversity_example", "verdict",
]  # fmt: skip
