"""What a patient sees: a PIN, then her images."""
