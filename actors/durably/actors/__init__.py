"""Actors, and the stage they run on: mailboxes, tasks, worker threads, clocks and a dispatcher."""
