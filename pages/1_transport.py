"""Transport: move one cloud of points onto another and see the plan, the potentials and the cost at once."""

from pages._ui import frame, links, placing, setup, transport_views, transporting

frame.require()
link = links.open_link("transport")
panel, picture = placing.columns(link)

with picture:
    place = transporting.announce()
with panel:
    transporting.offer_presets(link)
    scale = transporting.shape_scale()
    source = setup.choose_distribution(link, "source", "gaussian", locked=False, scale=scale)
    target = setup.choose_distribution(link, "target", "ring", locked=False, scale=scale)
    problem = transporting.pose(link, source, target)

with picture:
    if problem is None or source is None or target is None:
        place.info("The picture appears here once all settings are valid.")
    else:
        transporting.show(link, problem, source, target, place)
if problem is not None and source is not None and target is not None:
    transport_views.show(link, problem, source, target)
link.publish()
