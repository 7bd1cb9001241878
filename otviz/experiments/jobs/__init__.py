"""Jobs: tasks go to worker processes or to a cluster, their outcomes into a journal from which the job can go on."""
