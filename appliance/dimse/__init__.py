"""The DICOM network: what the box answers and what it asks."""
