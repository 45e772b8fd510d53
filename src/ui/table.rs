//! A table that shows the columns that fit, shared by the overviews of the monitor and of a lab.

use ratatui::text::{Line, Span};

use super::{glyphs, text, theme::ThemeToken};

/// The token and text of a cell.
pub(super) type TableCell = (ThemeToken, String);

/// A column: its title and width, and its rank when room is given out.
pub(super) struct TableColumn<F, S> {
    pub(super) title: &'static str,
    pub(super) width: usize,
    /// 0 is the first; each rank occurs once.
    pub(super) rank: u8,
    /// Whether values are aligned right, as numbers are.
    pub(super) right: bool,
    pub(super) sort: Option<S>,
    /// The cell of a row.
    pub(super) cell: F,
}

impl<F, S> TableColumn<F, S> {
    /// Sanitizes a text and fits it to the width of the column.
    pub(super) fn place(&self, text: &str, width: usize) -> String {
        let text = text::fit(&text::clean(text), width);
        let blanks = " ".repeat(width.saturating_sub(text::cells(&text)));
        if self.right { blanks + &text } else { text + &blanks }
    }
}

/// The columns that fit after the marks, lowest rank first, and their widths.
pub(super) fn fitting<F, S>(
    columns: &[TableColumn<F, S>],
    marks: usize,
    width: usize,
    width_of: impl Fn(&TableColumn<F, S>) -> usize,
) -> Vec<(&TableColumn<F, S>, usize)> {
    let mut order: Vec<_> = columns.iter().collect();
    order.sort_by_key(|column| column.rank);
    let mut used = marks;
    let most = order.iter().take_while(|column| {
        used += width_of(column) + 1;
        // Only the last column may lack its gap.
        used <= width + 1
    });
    let most = most.count();
    let fitting = columns.iter().filter(|column| usize::from(column.rank) < most);
    fitting.map(|column| (column, width_of(column))).collect()
}

/// Widens columns whose texts would be cut, with the cells that are left and those that other columns do
/// not need, the last ranks first. `needs`: width of the widest text of each column; `spare`: cells left.
pub(super) fn widen<F, S>(
    columns: &mut [(&TableColumn<F, S>, usize)],
    needs: &[usize],
    mut spare: usize,
) {
    let mut order: Vec<_> = (0..columns.len()).collect();
    order.sort_by_key(|place| columns[*place].0.rank);
    let lacks = |columns: &[(&TableColumn<F, S>, usize)], place: usize| {
        needs[place].saturating_sub(columns[place].1)
    };
    let all: usize = order.iter().map(|place| lacks(columns, *place)).sum();
    let mut lent = all.saturating_sub(spare);
    for &place in order.iter().rev() {
        let (column, width) = &mut columns[place];
        // The mark of the sorted column follows the title, then a blank.
        let own = needs[place].max(text::cells(column.title) + 1);
        let part = width.saturating_sub(own).min(lent);
        (*width, lent, spare) = (*width - part, lent - part, spare + part);
    }
    // The smallest first, so that as many texts as possible are whole.
    order.sort_by_key(|place| lacks(columns, *place));
    for place in order {
        let width = &mut columns[place].1;
        let part = needs[place].saturating_sub(*width).min(spare);
        (*width, spare) = (*width + part, spare - part);
    }
}

/// The titles of the columns, with a mark at the one sorted by.
pub(super) fn titles<F, S: PartialEq>(
    span: impl Fn(ThemeToken, String) -> Span<'static>,
    marks: usize,
    columns: &[(&TableColumn<F, S>, usize)],
    sorted: S,
) -> Line<'static> {
    let sorted = Some(sorted);
    let mut line = Line::from(" ".repeat(marks));
    for (TableColumn { title, right, sort, .. }, width) in columns {
        let (mark, token) = if *sort == sorted {
            (glyphs::MORE_BELOW, ThemeToken::Title)
        } else {
            (" ", ThemeToken::Dim)
        };
        let title =
            if *right { format!("{title:>width$}{mark}") } else { format!("{title}{mark}") };
        line.push_span(span(token, text::pad(&title, width + 1)));
    }
    line
}
