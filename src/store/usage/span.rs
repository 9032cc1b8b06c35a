//! Spans: the lengths of rollup rows, and how a range of time is cut into rows of them.
//! Owns the arithmetic of buckets. Refuses time zones: whoever asks knows where its days begin.

/// The length of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) enum Span {
    /// Every time zone's offset in use is a multiple of it, so every day anywhere is whole quarters.
    Quarter,
    /// A day of UTC.
    Day,
}

/// Rows of one length whose buckets begin in `from..to`, to be added, or with a minus to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) struct Piece {
    pub(in crate::store) span: Span,
    pub(in crate::store) from: i64,
    pub(in crate::store) to: i64,
    pub(in crate::store) minus: bool,
}

impl Span {
    /// Both.
    pub(in crate::store) const ALL: [Self; 2] = [Self::Quarter, Self::Day];

    /// Its length.
    pub(in crate::store) const fn millis(self) -> i64 {
        match self {
            Self::Quarter => 15 * 60 * 1_000,
            Self::Day => 24 * 60 * 60 * 1_000,
        }
    }

    /// The first moment of the bucket that `moment` falls into.
    pub(in crate::store) fn containing(self, moment: i64) -> i64 {
        moment.div_euclid(self.millis()).checked_mul(self.millis()).unwrap_or(i64::MIN)
    }
}

/// Pieces whose sum is the range, which begins and ends at quarters of an hour.
///
/// What lies between two midnights is days. An end inside a day is the part of that day before it, or the whole day less the
/// part after it, whichever reads fewer rows; so no range reads more than a day's worth of quarters, however long it is.
pub(in crate::store) fn pieces(from: i64, to: i64) -> Vec<Piece> {
    if to <= from {
        return Vec::new();
    }
    if to.saturating_sub(from) <= Span::Day.millis() / 2 {
        return vec![Piece { span: Span::Quarter, from, to, minus: false }];
    }
    let (first, last) = (Span::Day.containing(from), Span::Day.containing(to));
    let days = Piece { span: Span::Day, from: first, to: last, minus: false };
    let mut pieces = vec![days];
    pieces.extend(part_of_day(from, true));
    pieces.extend(part_of_day(to, false));
    pieces.retain(|piece| piece.from < piece.to);
    pieces
}

/// The part of the day of `end` that is before it.
fn part_of_day(end: i64, minus: bool) -> [Piece; 2] {
    let midnight = Span::Day.containing(end);
    let next = midnight.saturating_add(Span::Day.millis());
    let quarters = |from, to, minus| Piece { span: Span::Quarter, from, to, minus };
    let whole = |to| Piece { span: Span::Day, from: midnight, to, minus };
    if end.saturating_sub(midnight) <= Span::Day.millis() / 2 {
        [whole(midnight), quarters(midnight, end, minus)]
    } else {
        [whole(next), quarters(end, next, !minus)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_cover_the_range_once_and_read_few_quarters(from in -400_i64..400, length in 0_i64..600) {
            let quarter = Span::Quarter.millis();
            let pieces = pieces(from * quarter, (from + length) * quarter);
            let covered = |at: i64| pieces.iter().filter(move |piece| piece.from <= at && at < piece.to);
            for at in -600..1_100 {
                let times: i32 = covered(at * quarter).map(|piece| if piece.minus { -1 } else { 1 }).sum();
                prop_assert_eq!(times, i32::from((from..from + length).contains(&at)), "{}: {:?}", at, &pieces);
            }
            for piece in &pieces {
                prop_assert_eq!(piece.from % piece.span.millis(), 0);
                prop_assert_eq!(piece.to % piece.span.millis(), 0);
            }
            let fine = pieces.iter().filter(|piece| piece.span == Span::Quarter);
            prop_assert!(fine.map(|piece| piece.to - piece.from).sum::<i64>() <= Span::Day.millis());
        }
    }
}
