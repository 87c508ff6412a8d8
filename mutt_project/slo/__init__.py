"""Service level objectives: what was promised, how it is kept, and how fast its error budget burns."""
