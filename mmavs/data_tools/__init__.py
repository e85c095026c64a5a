"""Building, checking, substituting and resampling data sets. Imported by tools only."""
