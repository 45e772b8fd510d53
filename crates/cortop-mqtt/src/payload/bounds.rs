//! Bounds of values that are read: whoever may write to the broker is not trusted.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

use super::text::{LONGEST_TEXT, Text};

/// The largest count up to which every count is exact as a double, which many JSON readers use for numbers.
pub const MOST_EXACT: u64 = (1 << 53) - 1;

/// Reads seconds, which must not be negative: no time is before 1970.
pub(super) fn not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let seconds = f64::deserialize(from)?;
    if seconds >= 0.0 { Ok(seconds) } else { Err(D::Error::custom("a negative number of seconds")) }
}

pub(super) fn absent_or_not_negative<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(seconds) if seconds < 0.0 => Err(D::Error::custom("a negative number of seconds")),
        seconds => Ok(seconds),
    }
}

/// Reads an optional number from 0 to `MOST`.
pub(super) fn absent_or_at_most<'de, D, T, const MOST: u16>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Copy + Into<f64>,
{
    match Option::<T>::deserialize(from)? {
        Some(number) if !(0.0..=f64::from(MOST)).contains(&number.into()) => {
            Err(D::Error::custom(format!("a number that is not of 0 to {MOST}")))
        }
        number => Ok(number),
    }
}

/// Reads an optional count of at most [`MOST_EXACT`].
pub(super) fn absent_or_exact<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    match Option::<u64>::deserialize(from)? {
        Some(count) if count > MOST_EXACT => {
            Err(D::Error::custom(format!("a count of more than {MOST_EXACT}")))
        }
        count => Ok(count),
    }
}

/// Reads a text that identifies something. It is refused if it is too long or could control a terminal:
/// cutting or cleaning it could make two ids equal.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    let text = String::deserialize(from)?;
    let own = Text::new(&text);
    if *own == *text {
        Ok(own)
    } else {
        let says = format!("an id of more than {LONGEST_TEXT} bytes, or with control characters");
        Err(D::Error::custom(says))
    }
}

/// Reads a list of at most `MOST` items.
pub(super) fn bounded<'de, D, T, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T, const MOST: usize>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MOST {
                    return Err(A::Error::custom(format!("a list of more than {MOST}")));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    from.deserialize_seq(List::<T, MOST>(std::marker::PhantomData))
}
