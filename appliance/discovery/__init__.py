"""Finding DICOM devices on the network, and being found (DNS-SD, PS3.15 H.2)."""
