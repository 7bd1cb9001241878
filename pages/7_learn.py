"""Learn: where each loss comes from, and a glossary of every word on screen."""

from pages._ui import controls, explaining, frame, links

frame.require()
link = links.open_link("learn")
VIEWS = {
    "derivations": ("Derivations", explaining.show_derivations),
    "glossary": ("Glossary", explaining.show_glossary),
}
titles = {name: title for name, (title, _) in VIEWS.items()}
view = controls.choice(link, "view", titles, default="derivations", label="What to read", in_a_row=True)
VIEWS[view][1](link)
link.publish()
