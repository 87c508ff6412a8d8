"""`python -m mutt_project.muttctl` runs the tool."""

from mutt_project.muttctl.main import cli

if __name__ == "__main__":
    cli(prog_name="muttctl")
