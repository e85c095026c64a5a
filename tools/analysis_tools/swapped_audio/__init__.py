"""Tests of a segmentor with other audio than that of the sample: conditions, silent objects, scores, files."""
