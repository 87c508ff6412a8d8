"""Settings that can be changed while MUTT runs: which ones, how they stand, and who changes them."""
