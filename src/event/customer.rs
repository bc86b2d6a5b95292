//! Defines who an event belongs to.

use super::Text;

/// Identifies a customer as the API can find one: by email, by uid, or by either.
///
/// Text is kept as the export has it, without the spaces around it; nothing is ever empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// The email of the lead.
    pub email: Option<Text>,
    /// The billing provider's customer id, which the vendor's own integrations use as `uid`.
    pub uid: Option<Text>,
}

impl Customer {
    /// Returns a customer from cells that may be absent, empty or padded.
    pub fn new(email: Option<&str>, uid: Option<&str>) -> Self {
        Customer {
            email: present(email),
            uid: present(uid),
        }
    }

    /// Returns `true` if there is nothing to find a lead by.
    pub fn is_unknown(&self) -> bool {
        self.borrowed().is_unknown()
    }

    /// Returns the customer with borrowed texts.
    pub fn borrowed(&self) -> CustomerRef<'_> {
        CustomerRef {
            email: self.email.as_deref(),
            uid: self.uid.as_deref(),
        }
    }

    /// Returns the email as it is compared: case does not distinguish customers.
    pub fn email_folded(&self) -> Option<Text> {
        self.borrowed().email_folded()
    }
}

/// Borrows a [`Customer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerRef<'e> {
    /// The email of the lead.
    pub email: Option<&'e str>,
    /// The billing provider's customer id.
    pub uid: Option<&'e str>,
}

impl CustomerRef<'_> {
    /// Returns `true` if there is nothing to find a lead by.
    pub fn is_unknown(self) -> bool {
        self.email.is_none() && self.uid.is_none()
    }

    /// Returns the email as it is compared: case does not distinguish customers.
    pub fn email_folded(self) -> Option<Text> {
        self.email.map(Text::from_str_to_lowercase)
    }

    /// Returns the customer with texts of its own.
    pub fn to_customer(self) -> Customer {
        Customer {
            email: self.email.map(Text::new),
            uid: self.uid.map(Text::new),
        }
    }
}

fn present(cell: Option<&str>) -> Option<Text> {
    cell.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(Text::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_padded_cells_are_nobody() {
        assert!(Customer::new(Some("  "), Some("")).is_unknown());
    }
}
