"""Experiments: what the sources claim, measured and judged."""

from pages._ui import claim_cards, experimenting, frame, links

frame.require()
link = links.open_link("experiments")
claim = experimenting.find(link)

if claim is None:
    claim_cards.show(link)
else:
    experimenting.show(link, claim)
link.publish({"claim": "" if claim is None else claim.name})
