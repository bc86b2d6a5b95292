//! Finds which known name an unknown one may be meant for.

/// Returns the known thing whose name is most like `name`, if it is more alike than `least`, of 1.
pub(super) fn nearest<'k, T>(
    name: &str,
    known: impl IntoIterator<Item = &'k T>,
    least: f64,
    name_of: impl Fn(&T) -> &str,
) -> Option<&'k T>
where
    T: ?Sized,
{
    let likeness = |known: &T| strsim::jaro_winkler(name_of(known), name);
    let nearest = known
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    nearest.filter(|known| likeness(known) > least)
}
