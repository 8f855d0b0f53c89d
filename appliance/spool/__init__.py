"""Where an instance is first made durable: a draft, then an entry, then taken by the indexer, or set aside."""
