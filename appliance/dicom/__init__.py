"""Pure DICOM knowledge: no I/O but reading a file."""
