"""What a diagnosis looks like: the same parts in HTML on the page and in the report, which needs no server."""

from otviz.viz.diagnosis.parts import answer, clusters, helps, numbers, order, over_time, style
from otviz.viz.diagnosis.report import report

__all__ = ["answer", "clusters", "helps", "numbers", "order", "over_time", "report", "style"]
