"""Where an instance is first made durable: tmp, then new, then claimed by the indexer."""
