"""Programs and configuration that run MUTT."""
