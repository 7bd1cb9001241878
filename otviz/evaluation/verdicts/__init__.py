"""A verdict on a run in plain words: does it cover the target (the look that is shown), and is it stable (its history)?

`words` has what a verdict is, `limits` every limit with what lies on either side of it, `looks` and `rules` judge
one look, `stability` the history, `judging` puts both together.
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
