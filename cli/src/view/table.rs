//! Tables of fixed width.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// Columns of a line at most.
pub const WIDTH: u16 = 100;

/// Lines of columns under their headers, each line one line; what does not fit is cut. Columns whose name begins with `>` stand on the
/// right.
pub fn columns(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = fitting();
    table.set_header(headers.iter().map(|name| Cell::new(name.trim_start_matches('>'))));
    for row in rows {
        table.add_row(comfy_table::Row::from(row)).row_iter_mut().for_each(|row| {
            row.max_height(1);
        });
    }
    for (column, name) in table.column_iter_mut().zip(headers) {
        if name.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// A table without lines that fits [`WIDTH`].
pub fn fitting() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_long_words_are_cut() {
        let rows = vec![
            vec!["a".repeat(90), "live".to_owned(), "7".to_owned()],
            vec!["b".to_owned(), "drains ".repeat(12), "100".to_owned()],
        ];
        let text = columns(&["WORKER", "STATE", ">JOBS"], rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(WIDTH)), "{text}");
        assert!(lines[1].trim_end().ends_with(" 7") && lines[2].ends_with("100"), "{text}");
    }
}
