"""One file for each format in which a release is published or described."""
