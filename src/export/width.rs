//! Adapts the header to rows that all have more, or fewer, empty cells at their end.

use super::Row;

/// The greatest number of rows that are compared.
pub(super) const ROWS_MOST: usize = 200;

/// The smallest number of rows that is evidence: a single row with an unquoted delimiter would look
/// the same.
const ROWS_LEAST: usize = 2;

/// Returns how many names the header lacks at its end, or has too many, so that it has as many
/// names as every one of these rows has cells.
///
/// An export that ends each row with a delimiter has one empty cell more in each. An unquoted cell
/// that contains a delimiter has the same effect, so `None` is returned if a cell may be one of
/// those.
pub(super) fn added_names(header: &[String], rows: &[Row]) -> Option<isize> {
    let mut rows = rows.iter().filter(|row| !is_blank(row)).peekable();
    let width = rows.peek()?.len();
    let added = isize::try_from(width).ok()? - isize::try_from(header.len()).ok()?;
    let rows: Vec<&Row> = rows.collect();
    if added == 0
        || (added > 0 && rows.len() < ROWS_LEAST)
        || rows.iter().any(|row| row.len() != width)
    {
        return None;
    }
    let is_empty = |cell: Option<&str>| cell.is_none_or(|cell| cell.trim().is_empty());
    if added < 0 {
        let mut left_out = header[width..].iter();
        return left_out.all(String::is_empty).then_some(added);
    }
    let mut ends = rows.iter().map(|row| header.len()..row.len()).zip(&rows);
    let all_empty = ends.all(|(mut end, row)| end.all(|at| is_empty(row.get(at))));
    (all_empty && !is_split(&rows)).then_some(added)
}

fn is_blank(row: &Row) -> bool {
    row.iter().all(|cell| cell.trim().is_empty())
}

/// Returns `true` if two neighbouring cells may be one in each row: an amount with a decimal comma,
/// or a text with a comma and a space.
fn is_split(rows: &[&Row]) -> bool {
    let digits = |cell: &str| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
    let is_amount = |row: &Row, at: usize| {
        let (first, rest) = (row.get(at).unwrap_or(""), row.get(at + 1).unwrap_or(""));
        let first = first.trim_start_matches('-');
        let (group, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        let is_thousands = first.len() <= 3 && group.len() == 3 && digits(fraction);
        let is_cents = rest.len() == 2;
        digits(first) && digits(group) && (is_thousands || is_cents)
    };
    let width = rows.first().map_or(0, |row| row.len());
    (0..width).any(|at| rows.iter().all(|row| is_amount(row, at)))
        || rows
            .iter()
            .any(|row| row.iter().any(|cell| cell.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(header: &str, rows: &[&str]) -> Option<isize> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let rows: Vec<Row> = rows
            .iter()
            .map(|row| Row {
                record: row.split(',').collect(),
                ..Row::new()
            })
            .collect();
        added_names(&header, &rows)
    }

    #[test]
    fn a_delimiter_at_the_end_of_every_row_is_an_empty_cell() {
        assert_eq!(added("id,amount", &["1,8.00,", "2,9.00,"]), Some(1));
        assert_eq!(added("id,amount", &["1,8.00,,", "2,9.00,,"]), Some(2));
        assert_eq!(added("id,amount,", &["1,8.00", "2,9.00"]), Some(-1));
        assert_eq!(added("id,amount", &["1,8.00,", ",,,", "2,9.00,"]), Some(1));
        assert_eq!(added("id,amount", &["1,8.00"]), None);
        assert_eq!(added("id,amount", &[]), None);
    }

    #[test]
    fn what_may_be_one_cell_in_two_is_none() {
        // One row only, one without the cell, one with a value, or one that lacks a cell.
        assert_eq!(added("id,amount", &["1,8.00,", "2,9.00"]), None);
        assert_eq!(added("id,amount", &["1,8.00,", "2,9.00,x"]), None);
        assert_eq!(added("id,amount,plan", &["1,8.00", "2,9.00"]), None);
        assert_eq!(added("id,amount", &["1,8.00,"]), None);
        assert_eq!(added("id,amount,x", &["a,1,234.56,", "b,2,345.00,"]), None);
        // 8,50 without quotes, and a name with a comma.
        assert_eq!(added("id,amount,plan", &["1,8,50,", "2,9,00,"]), None);
        assert_eq!(added("id,name,x", &["1,Doe, Jo,", "2,Roe, Al,"]), None);
    }
}
