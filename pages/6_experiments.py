"""Experiments: what the sources claim, measured and judged."""

from pages._ui.experiments import claim_cards, experiment_view
from pages._ui.shell import frame, links

frame.require()
link = links.open_link("experiments")
claim = experiment_view.find(link)

if claim is None:
    claim_cards.show(link)
else:
    experiment_view.show(link, claim)
link.publish({"claim": "" if claim is None else claim.name})
