"""Host processes for trainings: their pool, the messages, and the module that each process runs."""
