"""Image formats that aren't read, and a one-line hint on how to convert each."""

from __future__ import annotations

_FIELDS = "convert it to OME-TIFF (bfconvert) or OME-Zarr (bioformats2raw)"
_SLIDES = "export regions as OME-TIFF (QuPath), or convert it to OME-Zarr (bioformats2raw)"
_PICTURES = "write it again as PNG or TIFF"

CONVERSIONS = {
    **dict.fromkeys((".czi", ".zvi", ".lsm", ".nd2", ".lif", ".lof", ".xlef", ".oif", ".oib", ".oir"), _FIELDS),
    **dict.fromkeys((".dv", ".r3d", ".ims", ".flex", ".c01", ".dib", ".stk", ".sld", ".sldy", ".ics"), _FIELDS),
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".vsi", ".bif", ".qptiff", ".isyntax", ".scn", ".dcm"), _SLIDES),
    **dict.fromkeys((".gif", ".bmp", ".webp", ".jp2", ".jxl", ".heic", ".avif", ".pgm", ".ppm"), _PICTURES),
}
"""Suffix to hint: formats of microscopes, of slide scanners, and of other pictures."""
