"""Runs: find, tag, compare and export all your runs."""

from pages._ui.runs import run_list
from pages._ui.shell import frame, links

frame.require()
link = links.open_link("runs")
runs = run_list.find(link)
if runs:
    chosen = run_list.show(link, runs)
    run_list.show_chosen(link, chosen)
link.publish()
