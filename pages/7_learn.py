"""Learn: lessons, derivations with live figures, and a glossary of every word on screen, in a reading order."""

from pages._ui.controls import controls
from pages._ui.learn import glossary_view, syllabus_view
from pages._ui.shell import frame, links

frame.require()
link = links.open_link("learn")
VIEWS = {"lessons": "Path", "derivations": "Derivations", "glossary": "Glossary"}
view = controls.choice(link, "view", VIEWS, default="lessons", label="What to read", in_a_row=True)
if view == "lessons":
    syllabus_view.show_path(link)
elif view == "derivations":
    glossary_view.show_derivations(link)
else:
    glossary_view.show_glossary(link)
link.publish()
