"""Stored instances as pictures: find one frame, decode it, apply its grey or colour pipeline, encode."""

from appliance.dicom.pixels.encode import MEDIA_TYPES, Viewport
from appliance.dicom.pixels.render import render, thumbnail
from appliance.dicom.pixels.window import Window, presets
from appliance.dicom.source import NothingToShowError

__all__ = ["MEDIA_TYPES", "NothingToShowError", "Viewport", "Window", "presets", "render", "thumbnail"]
