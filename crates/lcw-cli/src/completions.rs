//! `lcw completions`: a script that lets a shell complete verbs, flags and their values.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::print;

pub(crate) const HELP: &str = "\
Examples:
  lcw completions bash > ~/.local/share/bash-completion/completions/lcw
  lcw completions zsh > ~/.zfunc/_lcw           with ~/.zfunc in fpath
  lcw completions fish > ~/.config/fish/completions/lcw.fish
  lcw completions powershell | Out-String | Invoke-Expression   in $PROFILE";

#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that is to complete
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lcw", &mut script);
    print::verbatim(&script)?;
    Ok(0)
}
