"""Learn: lessons, where each loss comes from, and a glossary of every word on screen."""

from pages._ui import controls, explaining, frame, lessons, links

frame.require()
link = links.open_link("learn")
VIEWS = {
    "lessons": ("Lessons", lambda link: lessons.show_lessons()),
    "derivations": ("Derivations", explaining.show_derivations),
    "glossary": ("Glossary", explaining.show_glossary),
}
titles = {name: title for name, (title, _) in VIEWS.items()}
view = controls.choice(link, "view", titles, default="lessons", label="What to read", in_a_row=True)
VIEWS[view][1](link)
link.publish()
