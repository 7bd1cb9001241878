"""What tests ask of a page, and how they wait."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button


def address(app: AppTest) -> dict[str, str]:
    """The current address."""
    return {key: "".join(text) for key, text in app.query_params.items()}


def words(app: AppTest) -> str:
    """What the page says, joined."""
    return " ".join(part.value for part in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error))


def unfold(app: AppTest) -> AppTest:
    """Open every section of the page that is closed, those within them too."""
    for _ in range(4):
        closed = [box.proto.id for box in app.expander if box.proto.id and not box.proto.expanded]
        if not closed:
            break
        for widget in closed:
            app.session_state[widget.split("-", 2)[2]] = True  # $$ID-hash-key
        app.run()
    return app


def open_menu(app: AppTest, key: str) -> AppTest:
    """Press the button of a menu."""
    (widget,) = (box.proto.id for box in app.get("popover") if f":menu:{key}:" in box.proto.id)
    app.session_state[widget.split("-", 2)[2]] = True
    return app.run()


def press_as_drawn(app: AppTest, button: Button) -> None:
    """Press a button of an earlier page, which a browser still shows until it is drawn anew."""
    app.main.children[len(app.main.children)] = button
    button.click().run()
    assert not app.exception
