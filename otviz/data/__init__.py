"""Targets and sources: `distributions` in the plane, `datasets` of images, `reading` of users' files."""
