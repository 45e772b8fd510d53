//! Text columns, each as wide as its widest cell. Knows which characters are safe for a terminal, but not
//! what the cells mean.

use unicode_width::UnicodeWidthStr as _;

use cortop_client::sanitize::clean;

/// The gap between columns.
const GAP: &str = "  ";

/// A line with the names and a line for each row, without trailing blanks. An empty cell becomes a dash.
pub(super) fn table<const N: usize>(names: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> =
        std::iter::once(names.map(str::to_owned)).chain(rows.iter().cloned()).collect();
    lines(&rows)
}

/// The same without names.
pub(super) fn lines<const N: usize>(rows: &[[String; N]]) -> String {
    let cells: Vec<[String; N]> = rows
        .iter()
        .map(|row| {
            row.each_ref().map(|cell| if cell.is_empty() { "-".into() } else { clean(cell) })
        })
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let padded: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
            .collect();
        padded.join(GAP).trim_end().to_owned() + "\n"
    };
    cells.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_drives_the_terminal() {
        let rows = [["頭".to_owned(), String::new()], ["\u{1b}[2J".to_owned(), "x".to_owned()]];
        assert_eq!(table(["id", "b"], &rows), "id    b\n頭    -\n\u{fffd}[2J  x\n");
    }
}
