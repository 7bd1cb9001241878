"""Gallery: play with trained image models, see what they miss, compare them, and walk through their latent space."""

import streamlit as st

from pages._ui.gallery import gallery_compare, gallery_model, gallery_view, shelf, study
from pages._ui.shell import frame, links

frame.require()
link = links.open_link("gallery")
st.html(gallery_view.STYLE)
compared = gallery_view.find(link, "compare", gallery_view.MOST_COMPARED)
opened = (gallery_view.find(link, "model", 1) or compared)[:1]
studied = study.find(link)

if len(compared) > 1:
    gallery_compare.show(link, compared)
elif opened:
    gallery_model.show(link, opened[0])
elif studied is not None:
    study.show(link, studied)
else:
    shelf.show(link)
link.publish(
    {
        "compare": ",".join(card.name for card in compared) if len(compared) > 1 else "",
        "model": opened[0].name if opened and len(compared) < 2 else "",
        "study": studied.name if studied is not None and not opened else "",
    }
)
