"""The four sources whose claims are measured, cited by author and year with a link.

cite("choi", "Fig. 1")          -> "Choi et al. 2024, Fig. 1"
cite_link("choi", "Fig. 1")     -> "[Choi et al. 2024, Fig. 1](https://arxiv.org/abs/2310.02611)"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Source:
    """A source.

    Attributes:
        key: its key in code and links.
        short: citation, as "Choi et al. 2024".
        title: full title.
        where: venue or kind of publication.
        url: link; empty if it is not published.
    """

    key: str
    short: str
    title: str
    where: str
    url: str = ""


BIBLIOGRAPHY: Mapping[str, Source] = MappingProxyType({
    source.key: source
    for source in (
        Source(
            "choi", "Choi et al. 2024", "Analyzing and Improving Optimal-Transport-based Adversarial Networks",
            "ICLR 2024", "https://arxiv.org/abs/2310.02611",
        ),
        Source(
            "salimans", "Salimans et al. 2018", "Improving GANs Using Optimal Transport",
            "ICLR 2018", "https://arxiv.org/abs/1803.05573",
        ),
        Source(
            "fuge", "Fuge 2025", "Optimal Transport for Generative Models",
            "course notebook, chapter 11",
        ),
        Source("vu", "Vu", "Optimal Transport GAN", "report, master's course in data science"),
    )
})  # fmt: skip
"""Sources by key, in display order."""


def cite(key: str, where: str = "") -> str:
    """A citation as plain text: "Choi et al. 2024, Fig. 1". Raises KeyError for an unknown source."""
    return ", ".join(filter(None, [BIBLIOGRAPHY[key].short, where]))


def cite_link(key: str, where: str = "") -> str:
    """A citation as Markdown, a link if the source is published. Raises KeyError for an unknown source."""
    url = BIBLIOGRAPHY[key].url
    return f"[{cite(key, where)}]({url})" if url else cite(key, where)
