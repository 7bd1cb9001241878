"""Citations read as in a paper, and lead to what is published."""

import pytest

from otviz.content.bibliography import BIBLIOGRAPHY, cite, cite_link


def test_a_citation_names_author_year_and_place() -> None:
    assert cite("choi", "Fig. 1") == "Choi et al. 2024, Fig. 1"
    assert cite("salimans") == "Salimans et al. 2018"


def test_a_published_source_is_a_link_and_an_unpublished_one_plain_text() -> None:
    assert cite_link("salimans", "Eq. 7") == "[Salimans et al. 2018, Eq. 7](https://arxiv.org/abs/1803.05573)"
    assert cite_link("vu", "section 5") == "Vu, section 5"
    with pytest.raises(KeyError):
        cite("nobody")


def test_every_key_is_its_own_source() -> None:
    assert all(key == source.key for key, source in BIBLIOGRAPHY.items())
