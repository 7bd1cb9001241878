"""Transport: move one cloud of points onto another and see the plan, the potentials and the cost at once."""

from pages._ui.controls import point_setup
from pages._ui.shell import frame, links, placing
from pages._ui.transport import transport_setup, transport_views

frame.require()
link = links.open_link("transport")
panel, picture = placing.columns(link)

with picture:
    place = transport_setup.message_place()
with panel:
    transport_setup.offer_presets(link)
    scale = transport_setup.shape_scale()
    source = point_setup.choose_distribution(link, "source", "gaussian", locked=False, scale=scale)
    target = point_setup.choose_distribution(link, "target", "ring", locked=False, scale=scale)
    problem = transport_setup.choose_problem(link, source, target)

with picture:
    if problem is None or source is None or target is None:
        place.info("The picture appears here once all settings are valid.")
    else:
        transport_setup.show(link, problem, source, target, place)
if problem is not None and source is not None and target is not None:
    transport_views.show(link, problem, source, target)
link.publish()
