"""How deals go through their stages: what passes, how long it takes, what is stuck or lost."""
