"""What anyone can check of a published release with the published files alone."""
