"""What is learned: `distributions` in the plane, `datasets` of images, `reading` of users' files."""
