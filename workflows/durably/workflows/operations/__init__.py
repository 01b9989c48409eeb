"""The durable operations, one file each: what a call of `DurableContext` sets going, and what replays."""
