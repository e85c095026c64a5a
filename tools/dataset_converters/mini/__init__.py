"""Draws and synthesizes the sources of the mini set: images, COCO annotations, and recordings."""
