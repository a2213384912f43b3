//! Secrets, which may stand in the file, in the environment or in a file of their own.

use waybill_model::secret::Secret;

use super::Check;

impl Check<'_> {
    pub(super) fn optional_secret(
        &mut self,
        key: &str,
        written: Option<&Secret>,
    ) -> Option<Secret> {
        written.and_then(|written| self.secret(key, written))
    }

    /// A literal, `env:NAME` or `file:PATH`.
    pub(super) fn secret(&mut self, key: &str, written: &Secret) -> Option<Secret> {
        let text = written.expose();
        let value = if let Some(name) = text.strip_prefix("env:") {
            (self.var)(name).ok_or_else(|| format!("the environment has no variable {name}"))
        } else if let Some(path) = text.strip_prefix("file:") {
            std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("{path}: {error}"))
        } else {
            Ok(text.to_owned())
        };
        match value {
            Ok(value) if value.is_empty() => {
                self.problem(key, "it is empty");
                None
            }
            Ok(value) => Some(Secret::new(value)),
            Err(message) => {
                self.problem(key, message);
                None
            }
        }
    }
}
