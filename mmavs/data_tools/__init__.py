"""Building, checking, substituting and resampling of data sets. Only tools import this package."""
