"""DICOMweb servers of others, with us as the caller (PS3.18)."""
