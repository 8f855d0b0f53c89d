"""A patient's access to one study: link, PIN, expiry, revocation, openings."""
