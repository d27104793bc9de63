collect_ignore_glob = ["*.py"]  # programs, not tests
