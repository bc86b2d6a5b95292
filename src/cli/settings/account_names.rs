//! The names of accounts, and the variables of their keys.

/// The beginning of account names that would give the journal of a sandbox.
const RESERVED: &str = "sandbox";

/// Returns the variable that has the API key of an account: `FPRECON_ACCOUNTS_EU_API_KEY`.
pub(super) fn key_variable(account: &str) -> String {
    let name = account.to_ascii_uppercase().replace('-', "_");
    format!("FPRECON_ACCOUNTS_{name}_API_KEY")
}

/// Refuses accounts whose names can't be part of a file name and of a variable, or that two accounts would share.
///
/// # Errors
///
/// The reason why a name is refused.
pub(super) fn check_names<'n>(names: impl Iterator<Item = &'n String>) -> Result<(), String> {
    let mut taken: Vec<(String, &String)> = Vec::new();
    for name in names {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('-') {
            return Err(format!(
                "`{name}` can't be the name of an account: use letters, digits, `-` and `_`"
            ));
        }
        let variable = key_variable(name);
        if name.to_ascii_lowercase().starts_with(RESERVED) {
            return Err(format!(
                "`{name}` can't be the name of an account: its journal would have the name of a sandbox's"
            ));
        }
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == variable) {
            return Err(format!(
                "the accounts `{other}` and `{name}` can't be told apart: both would have the variable {variable}"
            ));
        }
        taken.push((variable, name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_have_a_variable_each() {
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            check_names(names.iter())
        };
        assert_eq!(check(&["eu", "us-east", "us_west", "X1"]), Ok(()));
        for bad in ["", "a b", "a/b", "..", "é", "-x", "sandbox", "Sandbox-v2"] {
            assert!(check(&[bad]).is_err(), "{bad}");
        }
        assert!(check(&["eu-1", "eu_1"]).is_err());
        assert!(check(&["eu", "EU"]).is_err());
        assert_eq!(key_variable("eu-1"), "FPRECON_ACCOUNTS_EU_1_API_KEY");
    }
}
