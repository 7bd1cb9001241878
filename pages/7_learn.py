"""Learn: lessons, where each loss comes from, and a glossary of every word on screen."""

from pages._ui import controls, explaining, frame, lessons, links

frame.require()
link = links.open_link("learn")
VIEWS = {"lessons": "Lessons", "derivations": "Derivations", "glossary": "Glossary"}
view = controls.choice(link, "view", VIEWS, default="lessons", label="What to read", in_a_row=True)
if view == "lessons":
    lessons.show_lessons()
elif view == "derivations":
    explaining.show_derivations(link)
else:
    explaining.show_glossary(link)
link.publish()
