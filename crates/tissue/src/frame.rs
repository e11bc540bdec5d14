//! A rectangle of cells of a window.

use std::ops::Range;

/// First and one past the last of the columns of one row; empty if `.0 >= .1`.
pub(crate) type Span = (usize, usize);

/// Rows and columns of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Frame {
    /// The smallest that holds the spans of all rows.
    pub fn of(spans: &[Span]) -> Frame {
        let filled = |s: &Span| s.0 < s.1;
        let Some(first) = spans.iter().position(filled) else {
            return Frame::default();
        };
        let last = spans.iter().rposition(filled).unwrap_or(first);
        let (mut from, mut to) = spans[first];
        for span in spans[first..=last].iter().filter(|s| filled(s)) {
            from = from.min(span.0);
            to = to.max(span.1);
        }
        Frame {
            rows: first..last + 1,
            columns: from..to,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The smallest that holds both.
    pub fn around(&self, other: &Frame) -> Frame {
        let join = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => Frame {
                rows: join(&self.rows, &other.rows),
                columns: join(&self.columns, &other.columns),
            },
        }
    }

    /// Moved against the window, which has moved by so many columns and rows; what leaves it is cut off.
    pub fn shifted(&self, side: usize, columns: isize, rows: isize) -> Frame {
        let shift = |range: &Range<usize>, by: isize| {
            let at = |x: usize| x.saturating_add_signed(-by).min(side);
            at(range.start)..at(range.end)
        };
        let moved = Frame {
            rows: shift(&self.rows, rows),
            columns: shift(&self.columns, columns),
        };
        if moved.rows.is_empty() || moved.columns.is_empty() {
            Frame::default()
        } else {
            moved
        }
    }

    /// All cells of its rows.
    pub fn cells(&self, side: usize) -> Range<usize> {
        self.rows.start * side..self.rows.end * side
    }
}
