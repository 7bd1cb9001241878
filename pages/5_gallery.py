"""Gallery: browse pretrained image models, compare them and look into their latent space."""

import streamlit as st

from pages._ui.gallery import gallery_compare, gallery_model, gallery_view
from pages._ui.shell import frame, links

frame.require()
link = links.open_link("gallery")
st.html(gallery_view.STYLE)
compared = gallery_view.find(link, "compare", gallery_view.MOST_COMPARED)
opened = gallery_view.find(link, "model", 1)

if len(compared) > 1:
    gallery_compare.show(link, compared)
elif opened or compared:
    gallery_model.show(link, (opened or compared)[0])
else:
    gallery_view.show_shelf(link)
link.publish(
    {
        "compare": ",".join(card.name for card in compared) if len(compared) > 1 else "",
        "model": "" if len(compared) > 1 or not (opened or compared) else (opened or compared)[0].name,
    }
)
