"""Settings: `base` for all, `production` reads the environment, `test` and `checks` need none."""
