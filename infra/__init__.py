"""What surrounds the pipeline: the replay server, images, work-pool templates."""
