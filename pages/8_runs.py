"""Runs: every run there is, to find again, tag, compare and carry away."""

from pages._ui import frame, links, run_list

frame.require()
link = links.open_link("runs")
runs = run_list.find(link)
if runs:
    chosen = run_list.show(link, runs)
    run_list.show_chosen(link, chosen)
link.publish()
