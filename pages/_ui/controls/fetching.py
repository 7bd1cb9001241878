"""The download of a data set that is not on this computer: offered, followed, cancelled, tried again."""

from __future__ import annotations

import streamlit as st

from otviz.data.datasets import ImageSet
from otviz.data.datasets.download_job import DownloadDesk, DownloadJob
from pages._ui.shell.links import Link, plain, shorten

POLL = 0.5  # seconds


@st.cache_resource(show_spinner=False)
def _desk() -> DownloadDesk:
    return DownloadDesk()


def offer(link: Link, images: ImageSet, instead: type[ImageSet]) -> None:
    """Draw what can be done while the images are not on this computer.

    Args:
        link: of the page.
        images: the data set that was chosen.
        instead: one that needs no download.
    """
    job = _desk().jobs.get(images.name)
    if job is not None and not job.over:
        st.fragment(_follow, run_every=POLL)(images, job)
        return
    whole, there = images.to_download() / 1e6, images.downloaded() / 1e6
    failed = "" if job is None else job.error
    if failed:
        st.error(plain(f"{shorten(failed, 600)}."))
    else:
        begun = f", of which {there:.1f} MB have come" if there else ""
        st.info(plain(f"{images.title} is not on this computer yet: {whole:.1f} MB{begun}. It is kept for later."))
    with st.container(horizontal=True, gap="small"):
        label = "Try again" if failed else "Continue the download" if there else f"Download {images.title}"
        st.button(label, type="primary", on_click=_desk().start, args=(images,))
        st.button(
            f"Take {instead.title} instead", help="They need no download.", on_click=_take, args=(link.page, instead)
        )


def _take(page: str, images: type[ImageSet]) -> None:
    st.session_state[f"{page}:target"] = images.name


def _follow(images: ImageSet, job: DownloadJob) -> None:
    if job.over:
        st.rerun()
    st.progress(job.pace.share, text=plain(f"{images.title}: {job.pace.words}"))
    st.button("Cancel", on_click=job.cancel, help="What has come is kept, and the next download continues from there.")
