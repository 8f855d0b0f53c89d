"""DICOMweb (PS3.18) over the core."""
