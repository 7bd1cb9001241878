"""Learn: lessons, each one question with the controls it needs."""

from pages._ui import frame, lessons

frame.require()
lessons.show_lessons()
