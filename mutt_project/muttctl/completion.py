"""`muttctl completion`: what makes a shell complete the commands of muttctl."""

import click
from click.shell_completion import get_completion_class

from mutt_project.muttctl.output import examples

NAME = "muttctl"


@click.command(
    "completion",
    epilog=examples(
        "source <(muttctl completion bash)",
        "muttctl completion bash > muttctl.bash",
        "muttctl completion zsh > _muttctl",
        "muttctl completion fish > muttctl.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes a shell complete commands, options, names and ids.

    Put it where the shell finds it: bash: /etc/bash_completion.d/muttctl,
    zsh: a folder of $fpath, as _muttctl; fish: ~/.config/fish/completions/muttctl.fish.
    Names and ids are asked of MUTT; where it does not answer within 1.5 s there are none.
    """
    made = get_completion_class(shell)
    if made is None:  # click knows these three
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(made(click.get_current_context().find_root().command, {}, NAME, f"_{NAME.upper()}_COMPLETE").source())
