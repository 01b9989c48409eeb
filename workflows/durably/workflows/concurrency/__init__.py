"""Results of map and parallel: `models` for users, `completion_record` for what a large one records."""
