"""Pages of docs/reference/, which are made from what they describe."""
