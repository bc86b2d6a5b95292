//! An audit that can be shared: words in place of emails and names, as in the reports of a run.

use super::AuditReport;
use crate::audit::rules::{ALIAS, ALIAS_SIGN};
use crate::audit::{Billed, Commission, Cut, Finding, FindingKind, Match, PastFinding, Promoter};
use crate::event::{Customer, Text};
use crate::report::Redactor;

/// Stands in place of what a person wrote freely: names and numbers in it can't be recognised.
const NOT_SHOWN: &str = "(not shown)";

impl AuditReport {
    /// Puts words in place of emails and names, wherever they stand.
    pub fn redact(&mut self, redactor: &Redactor) {
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
                        .for_each(|value| text(redactor, value)),
                }
            }
        }
        for inferred in &mut self.audit.inferred {
            name_of_promoter(redactor, &mut inferred.promoter);
            let names = inferred.plan.iter_mut().chain(&mut inferred.campaign);
            names.for_each(|name| text(redactor, name));
        }
        for unused in &mut self.audit.unused_names {
            match unused.key {
                "promoter" => unused.name = word(redactor, &unused.name),
                _ => text(redactor, &mut unused.name),
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
            redactor.problem(problem);
        }
        for setting in &mut self.settings {
            of_setting(redactor, setting);
        }
    }
}

/// Puts words in place of the promoters whom a rule or an alias names.
fn of_setting(redactor: &Redactor, (name, value): &mut (String, String)) {
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
    // Names of campaigns and plans may be addresses, too.
    text(redactor, name);
}

fn of_finding(redactor: &Redactor, finding: &mut Finding) {
    finding.message = message(redactor, finding.kind.as_str(), &finding.message);
    if let Some(ours) = &mut finding.ours {
        billed(redactor, ours);
    }
    if let Some(theirs) = &mut finding.theirs {
        commission(redactor, theirs);
    }
}

fn of_past(redactor: &Redactor, past: &mut PastFinding) {
    past.message = message(redactor, &past.kind, &past.message);
}

/// Returns the message of a finding with words in place of names. Those of two kinds quote promoters, and no others do.
fn message(redactor: &Redactor, kind: &str, message: &str) -> String {
    let quotes = [
        FindingKind::WrongPromoter,
        FindingKind::SaleWithoutCommission,
    ];
    if !quotes.iter().any(|quoting| quoting.as_str() == kind) {
        return redactor.text(message).into_owned();
    }
    let mut parts: Vec<String> = message.split('`').map(str::to_owned).collect();
    // Every other part stands between quotes.
    for quoted in parts.iter_mut().skip(1).step_by(2) {
        *quoted = word(redactor, quoted);
    }
    parts.join("`")
}

/// Redacts a commission with what it was made for.
pub(super) fn of_match(redactor: &Redactor, own: &mut Match) {
    commission(redactor, &mut own.theirs);
    if let Some(ours) = &mut own.ours {
        billed(redactor, ours);
    }
}

fn billed(redactor: &Redactor, billed: &mut Billed) {
    text(redactor, &mut billed.event_id);
    billed
        .sale_event_id
        .iter_mut()
        .for_each(|id| text(redactor, id));
    billed
        .reference
        .iter_mut()
        .for_each(|id| text(redactor, id));
    billed.plan.iter_mut().for_each(|plan| text(redactor, plan));
    customer(redactor, &mut billed.customer);
    promoter(redactor, &mut billed.promoter);
}

fn commission(redactor: &Redactor, own: &mut Commission) {
    let names = [
        &mut own.id,
        &mut own.event_id,
        &mut own.campaign,
        &mut own.campaign_id,
        &mut own.plan,
    ];
    for name in names.into_iter().flatten() {
        text(redactor, name);
    }
    customer(redactor, &mut own.customer);
    promoter(redactor, &mut own.promoter);
}

fn customer(redactor: &Redactor, customer: &mut Customer) {
    if let Some(email) = &mut customer.email {
        *email = Text::from(redactor.email(email));
    }
    if let Some(uid) = &mut customer.uid {
        *uid = Text::from(redactor.text(uid));
    }
}

/// Redacts a promoter, with the referral id, which often is a name. FirstPromoter's number says nothing by itself.
fn promoter(redactor: &Redactor, promoter: &mut Promoter) {
    if let Some(email) = &mut promoter.email {
        *email = redactor.email(email);
    }
    if let Some(ref_id) = &mut promoter.ref_id {
        *ref_id = redactor.name(ref_id);
    }
    if let Some(id) = &mut promoter.id {
        text(redactor, id);
    }
}

fn name_of_promoter(redactor: &Redactor, name: &mut Option<String>) {
    if let Some(name) = name {
        *name = word(redactor, name);
    }
}

/// Returns the word for a promoter's name: an email, a referral id, or a number.
fn word(redactor: &Redactor, name: &str) -> String {
    // Of several promoters with one name each has the number behind it.
    if let Some((own, number)) = name.rsplit_once(" (")
        && let Some(digits) = number.strip_suffix(')')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return format!("{} ({digits})", word(redactor, own));
    }
    match redactor.text(name) {
        std::borrow::Cow::Owned(redacted) => redacted,
        _ if name.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => redactor.name(name),
    }
}

fn text(redactor: &Redactor, text: &mut String) {
    if let std::borrow::Cow::Owned(redacted) = redactor.text(text) {
        *text = redacted;
    }
}
