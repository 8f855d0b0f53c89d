"""Orders (modality worklist), performed steps (MPPS), and how they belong together."""
