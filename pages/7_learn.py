"""Learn: an order to read in, with lessons, derivations with live figures, and a glossary of every word on screen."""

from pages._ui import controls, explaining, frame, learning, links

frame.require()
link = links.open_link("learn")
VIEWS = {"lessons": "Path", "derivations": "Derivations", "glossary": "Glossary"}
view = controls.choice(link, "view", VIEWS, default="lessons", label="What to read", in_a_row=True)
if view == "lessons":
    learning.show_path(link)
elif view == "derivations":
    explaining.show_derivations(link)
else:
    explaining.show_glossary(link)
link.publish()
