"""DICOM over TLS (PS3.15 B.12, B.13): who we are, whom we trust."""
