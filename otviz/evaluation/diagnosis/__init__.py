"""What is missing in samples of any generative model: `diagnose(real, generated)`, or `stages` as it becomes known."""

from otviz.evaluation.diagnosis.diagnosing import diagnose, judged, stages
from otviz.evaluation.diagnosis.over_time import Timeline, over_time
from otviz.evaluation.diagnosis.result import Advice, Cluster, Diagnosis, Interval, Kind, Number, Side, Stage
from otviz.evaluation.diagnosis.samples import Samples

__all__ = [
    "Advice", "Cluster", "Diagnosis", "Interval", "Kind", "Number", "Samples", "Side", "Stage", "Timeline",
    "diagnose", "judged", "over_time", "stages",
]  # fmt: skip
