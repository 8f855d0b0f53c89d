"""Remote AEs and DICOMweb servers that we know."""
