"""Draws and synthesises the sources of the mini set: images, COCO annotations, and recordings."""
