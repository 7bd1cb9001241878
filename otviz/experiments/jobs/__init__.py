"""Jobs: tasks for worker processes or a cluster, with outcomes in a journal from which a job can continue."""
