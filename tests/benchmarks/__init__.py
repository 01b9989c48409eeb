"""`make bench`: this SDK beside the official one and beside a floor. README.md says how it is used."""
