//! Flags that mirror the API's filters, made from the table that the API reads them with.

use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser, error::ErrorKind,
};

use crate::ops::filter::{FILTERS, Parameter, Takes, WINDOW};

/// Short names beside the API's own.
const ALIASES: &[(&str, &str)] = &[("status_codes", "status")];

/// Filters given as flags: name and value as the API takes them.
#[derive(Debug, Clone, Default)]
pub struct FilterFlags(Vec<(&'static str, String)>);

impl FilterFlags {
    /// Query parameters, in the table's order.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        self.0.clone()
    }
}

fn table() -> impl Iterator<Item = &'static Parameter> {
    WINDOW.iter().chain(FILTERS)
}

impl Args for FilterFlags {
    fn augment_args(command: Command) -> Command {
        table().fold(command, |command, parameter| command.arg(flag(parameter)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FilterFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = FilterFlags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for parameter in table() {
            let given = matches
                .try_get_one::<String>(parameter.name)
                .map_err(|error| clap::Error::raw(ErrorKind::InvalidValue, error))?;
            self.0
                .extend(given.map(|value| (parameter.name, value.clone())));
        }
        Ok(())
    }
}

fn flag(parameter: &'static Parameter) -> Arg {
    let flag = Arg::new(parameter.name)
        .long(parameter.name.replace('_', "-"))
        .help(parameter.about.replace('`', ""))
        .help_heading("Filters");
    let flag = match ALIASES.iter().find(|(name, _)| *name == parameter.name) {
        Some((_, alias)) => flag.visible_alias(*alias),
        None => flag,
    };
    match parameter.takes {
        Takes::Word(words) => flag
            .value_parser(PossibleValuesParser::new(words()))
            .hide_possible_values(words().len() > 8),
        Takes::Flag => flag
            .value_parser(["true", "false"])
            .num_args(0..=1)
            .default_missing_value("true"),
        Takes::Number => flag.value_name("N"),
        Takes::Time => flag.value_name("TIME"),
        Takes::Text => flag.value_name("TEXT"),
    }
}
