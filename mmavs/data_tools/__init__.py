"""Building, checking, substituting and resampling of datasets. Only tools import this package."""
