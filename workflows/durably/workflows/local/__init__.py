"""The embedded durable execution service: what AWS Lambda does for a durable function, in process."""
