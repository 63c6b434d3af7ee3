"""From a Parquet data set to one causal event stream."""
