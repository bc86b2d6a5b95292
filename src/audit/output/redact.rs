//! An audit that can be shared: words in place of emails and names, as in the reports of a run.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use super::AuditReport;
use crate::audit::rules::{ALIAS, ALIAS_SIGN};
use crate::audit::{
    Billed, Commission, Cut, Finding, FindingKind, Match, Matches, PastFinding, Promoter,
};
use crate::event::{Customer, Text};
use crate::report::Redactor;

/// Stands in place of what a person wrote freely: names and numbers in it can't be recognised.
const NOT_SHOWN: &str = "(not shown)";

/// Puts words in place of emails wherever they stand, and in place of promoters' names in what people call campaigns and
/// plans.
pub(super) struct AuditRedactor<'r> {
    words: &'r Redactor,
    /// The names of promoters, in lower case, the longest first.
    names: &'r [String],
    /// The labels that were redacted already: there are few, each many times.
    labels: RefCell<HashMap<String, String>>,
}

impl<'r> AuditRedactor<'r> {
    pub(super) fn new(words: &'r Redactor, matches: &'r Matches) -> Self {
        AuditRedactor {
            words,
            names: matches.promoter_names(),
            labels: RefCell::default(),
        }
    }

    /// Puts words in place of names and emails in what somebody has called a campaign or a plan.
    fn label(&self, label: &mut String) {
        if let Some(known) = self.labels.borrow().get(label) {
            known.clone_into(label);
            return;
        }
        let redacted = self.words.text(&self.without_names(label)).into_owned();
        let before = std::mem::replace(label, redacted.clone());
        self.labels.borrow_mut().insert(before, redacted);
    }

    /// Returns a text with a word in place of each name that stands in it as words of its own.
    fn without_names(&self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let is_within = redacted.ends_with(char::is_alphanumeric) && next.is_alphanumeric();
            let mut names = self.names.iter().filter(|_| !is_within);
            match names.find_map(|name| Some((name, length_of(rest, name)?))) {
                Some((name, length)) => {
                    redacted.push_str(&self.words.name(name));
                    rest = &rest[length..];
                }
                None => {
                    redacted.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        redacted
    }
}

/// Returns the length of a name at the start of a text, in bytes and in any case, if a word ends with it.
fn length_of(text: &str, name: &str) -> Option<usize> {
    let mut name = name.chars();
    let mut length = 0;
    for own in text.chars() {
        if name.as_str().is_empty() {
            let is_longer =
                own.is_alphanumeric() && text[..length].ends_with(char::is_alphanumeric);
            return (!is_longer).then_some(length);
        }
        for lower in own.to_lowercase() {
            if name.next() != Some(lower) {
                return None;
            }
        }
        length += own.len_utf8();
    }
    name.as_str().is_empty().then_some(length)
}

impl AuditReport {
    /// Puts words in place of emails and names, wherever they stand.
    pub fn redact(&mut self, redactor: &Redactor, matches: &Matches) {
        let redactor = &AuditRedactor::new(redactor, matches);
        for finding in &mut self.audit.findings {
            of_finding(redactor, finding);
        }
        for (cut, lines) in &mut self.audit.totals.by {
            for line in lines {
                match cut {
                    Cut::Promoter => name_of_promoter(redactor, &mut line.value),
                    _ => line
                        .value
                        .iter_mut()
                        .for_each(|value| redactor.label(value)),
                }
            }
        }
        for inferred in &mut self.audit.inferred {
            name_of_promoter(redactor, &mut inferred.promoter);
            let names = inferred.plan.iter_mut().chain(&mut inferred.campaign);
            names.for_each(|name| redactor.label(name));
        }
        for unused in &mut self.audit.unused_names {
            match unused.key {
                "promoter" => unused.name = word(redactor, &unused.name),
                _ => redactor.label(&mut unused.name),
            }
        }
        for past in self
            .since
            .iter_mut()
            .flat_map(|last| &mut last.since.resolved)
        {
            of_past(redactor, past);
        }
        for statement in &mut self.statements {
            statement.promoter = word(redactor, &statement.promoter);
        }
        for accepted in &mut self.accepted {
            accepted.message = message(redactor, &accepted.kind, &accepted.message);
            NOT_SHOWN.clone_into(&mut accepted.reason);
        }
        for item in &mut self.accepted_items {
            item.event_id.iter_mut().for_each(|id| text(redactor, id));
            NOT_SHOWN.clone_into(&mut item.reason);
        }
        for column in &mut self.theirs.columns_that_decide {
            text(redactor, &mut column.name);
        }
        for name in &mut self.theirs.columns_not_read {
            text(redactor, name);
        }
        for problem in &mut self.problems {
            redactor.words.problem(problem);
        }
        for setting in &mut self.settings {
            of_setting(redactor, setting);
        }
    }
}

/// Puts words in place of the promoters whom a rule or an alias names.
fn of_setting(redactor: &AuditRedactor<'_>, (name, value): &mut (String, String)) {
    const PROMOTER: &str = "promoter `";
    if name == ALIAS {
        let promoters = value.split(ALIAS_SIGN);
        let words: Vec<String> = promoters.map(|name| word(redactor, name)).collect();
        *value = words.join(ALIAS_SIGN);
    }
    if let Some((before, named)) = name.split_once(PROMOTER)
        && let Some((promoter, behind)) = named.split_once('`')
    {
        *name = format!("{before}{PROMOTER}{}`{behind}", word(redactor, promoter));
    }
    redactor.label(name);
}

fn of_finding(redactor: &AuditRedactor<'_>, finding: &mut Finding) {
    finding.message = message(redactor, finding.kind.as_str(), &finding.message);
    if let Some(ours) = &mut finding.ours {
        billed(redactor, ours);
    }
    if let Some(theirs) = &mut finding.theirs {
        commission(redactor, theirs);
    }
}

fn of_past(redactor: &AuditRedactor<'_>, past: &mut PastFinding) {
    past.message = message(redactor, &past.kind, &past.message);
}

/// Returns the message of a finding with words in place of names. Those of two kinds quote promoters, and no others do.
fn message(redactor: &AuditRedactor<'_>, kind: &str, message: &str) -> String {
    let quotes = [
        FindingKind::WrongPromoter,
        FindingKind::SaleWithoutCommission,
    ];
    if !quotes.iter().any(|quoting| quoting.as_str() == kind) {
        return redactor.words.text(message).into_owned();
    }
    let mut parts: Vec<String> = message.split('`').map(str::to_owned).collect();
    // Every other part stands between quotes.
    for quoted in parts.iter_mut().skip(1).step_by(2) {
        *quoted = word(redactor, quoted);
    }
    parts.join("`")
}

/// Redacts a commission with what it was made for.
pub(super) fn of_match(redactor: &AuditRedactor<'_>, own: &mut Match) {
    commission(redactor, &mut own.theirs);
    if let Some(ours) = &mut own.ours {
        billed(redactor, ours);
    }
}

fn billed(redactor: &AuditRedactor<'_>, billed: &mut Billed) {
    text(redactor, &mut billed.event_id);
    billed
        .sale_event_id
        .iter_mut()
        .for_each(|id| text(redactor, id));
    billed
        .reference
        .iter_mut()
        .for_each(|id| text(redactor, id));
    billed.plan.iter_mut().for_each(|plan| redactor.label(plan));
    customer(redactor, &mut billed.customer);
    promoter(redactor, &mut billed.promoter);
}

fn commission(redactor: &AuditRedactor<'_>, own: &mut Commission) {
    for id in [&mut own.id, &mut own.event_id].into_iter().flatten() {
        text(redactor, id);
    }
    let labels = [&mut own.campaign, &mut own.campaign_id, &mut own.plan];
    for label in labels.into_iter().flatten() {
        redactor.label(label);
    }
    customer(redactor, &mut own.customer);
    promoter(redactor, &mut own.promoter);
}

fn customer(redactor: &AuditRedactor<'_>, customer: &mut Customer) {
    if let Some(email) = &mut customer.email {
        *email = Text::from(redactor.words.email(email));
    }
    if let Some(uid) = &mut customer.uid {
        *uid = Text::from(redactor.words.text(uid));
    }
}

/// Redacts a promoter by the same words as where one of the keys stands for the promoter. FirstPromoter's number says
/// nothing by itself.
fn promoter(redactor: &AuditRedactor<'_>, promoter: &mut Promoter) {
    let keys = [&mut promoter.id, &mut promoter.email, &mut promoter.ref_id];
    for key in keys.into_iter().flatten() {
        *key = word(redactor, key);
    }
}

fn name_of_promoter(redactor: &AuditRedactor<'_>, name: &mut Option<String>) {
    if let Some(name) = name {
        *name = word(redactor, name);
    }
}

/// Returns the word for a promoter's name: an email, a referral id, or a number.
fn word(redactor: &AuditRedactor<'_>, name: &str) -> String {
    // Of several promoters with one name each has the number behind it.
    if let Some((own, number)) = name.rsplit_once(" (")
        && let Some(digits) = number.strip_suffix(')')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return format!("{} ({digits})", word(redactor, own));
    }
    match redactor.words.text(name) {
        Cow::Owned(redacted) => redacted,
        _ if name.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => redactor.words.name(name),
    }
}

fn text(redactor: &AuditRedactor<'_>, text: &mut String) {
    if let Cow::Owned(redacted) = redactor.words.text(text) {
        *text = redacted;
    }
}
