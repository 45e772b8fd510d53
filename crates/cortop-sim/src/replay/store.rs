//! Stores any number of rows of numbers of equal width: the first ones in memory, the rest in an
//! anonymous temporary file, a few blocks of which are cached. Independent of what the numbers
//! mean.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

/// Rows per block.
const BLOCK_ROWS: usize = 1024;
/// How many numbers a store keeps in memory: 16 MiB.
const IN_MEMORY: usize = 2 << 20;
/// How many blocks of the file are cached.
const HELD: usize = 16;

/// Rows of numbers.
#[derive(Debug)]
pub(super) struct Store {
    width: usize,
    len: usize,
    /// The first blocks; all but the last are full.
    memory: Vec<Arc<Vec<f64>>>,
    /// The block being filled, which will go to the file.
    open: Vec<f64>,
    /// The first number of each block.
    firsts: Vec<f64>,
    rest: Mutex<Rest>,
}

/// The blocks that do not fit in memory.
#[derive(Debug, Default)]
struct Rest {
    file: Option<File>,
    held: VecDeque<(usize, Arc<Vec<f64>>)>,
}

/// A row of a store.
#[derive(Clone, Debug)]
pub(super) struct StoredRow {
    block: Arc<Vec<f64>>,
    start: usize,
    width: usize,
}

impl Deref for StoredRow {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        self.block.get(self.start..self.start + self.width).unwrap_or_default()
    }
}

impl Store {
    /// An empty store for rows of this many numbers.
    pub(super) fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            len: 0,
            memory: Vec::new(),
            open: Vec::new(),
            firsts: Vec::new(),
            rest: Mutex::default(),
        }
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a row; cuts one that is too long, pads one that is too short with NaN.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = f64>) -> io::Result<()> {
        if self.len.is_multiple_of(BLOCK_ROWS) {
            self.close_block()?;
        }
        let end = self.open.len() + self.width;
        self.open.extend(row.into_iter().take(self.width));
        self.open.resize(end, f64::NAN);
        if self.len.is_multiple_of(BLOCK_ROWS) {
            self.firsts.extend(self.open.first());
        }
        self.len += 1;
        Ok(())
    }

    /// Finishes writing, so that all rows can be read.
    pub(super) fn close_block(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let block = Arc::new(std::mem::take(&mut self.open));
        if self.memory.len() * BLOCK_ROWS * self.width < IN_MEMORY {
            self.memory.push(block);
            return Ok(());
        }
        let number = self.firsts.len() - 1;
        self.write_block(number, &block)
    }

    /// Changes every row in order; the first numbers may change as long as they keep increasing.
    pub(super) fn update(&mut self, mut change: impl FnMut(&mut [f64])) -> io::Result<()> {
        for number in 0..self.firsts.len() {
            let mut block = self.block(number)?;
            let numbers = Arc::make_mut(&mut block);
            numbers.chunks_mut(self.width).for_each(&mut change);
            let first = numbers.first().copied().unwrap_or_default();
            if let Some(own) = self.firsts.get_mut(number) {
                *own = first;
            }
            match self.memory.get_mut(number) {
                Some(own) => *own = block,
                None => self.write_block(number, &block)?,
            }
        }
        Ok(())
    }

    /// A row; empty if there is none, or if the file cannot be read.
    pub(super) fn row(&self, row: usize) -> StoredRow {
        let block = if row < self.len { self.block(row / BLOCK_ROWS).ok() } else { None };
        let start = row % BLOCK_ROWS * self.width;
        StoredRow { block: block.unwrap_or_default(), start, width: self.width }
    }

    /// Copies a row, even while rows are still being added; copies nothing if there is none.
    pub(super) fn copy_row(&self, row: usize, into: &mut Vec<f64>) {
        into.clear();
        let first_open = self.len - self.open.len() / self.width;
        match row.checked_sub(first_open) {
            Some(open) => {
                let own = self.open.get(open * self.width..(open + 1) * self.width);
                into.extend_from_slice(own.unwrap_or_default());
            }
            None => into.extend_from_slice(&self.row(row)),
        }
    }

    /// The first row whose first number is not below a value; first numbers must increase.
    pub(super) fn first_at(&self, value: f64) -> usize {
        let after = self.firsts.partition_point(|first| *first < value);
        let Some(number) = after.checked_sub(1) else { return 0 };
        let block = if number * BLOCK_ROWS + self.open.len() / self.width == self.len {
            None
        } else {
            self.block(number).ok()
        };
        let block = block.as_ref().map_or(&self.open, |own| &**own);
        let rows = block.len() / self.width;
        let below = |row: usize| block.get(row * self.width).is_some_and(|own| *own < value);
        let (mut low, mut high) = (0, rows);
        while low < high {
            let middle = usize::midpoint(low, high);
            if below(middle) { low = middle + 1 } else { high = middle }
        }
        number * BLOCK_ROWS + low
    }

    fn block(&self, number: usize) -> io::Result<Arc<Vec<f64>>> {
        if let Some(block) = self.memory.get(number) {
            return Ok(Arc::clone(block));
        }
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = rest.held.iter().find(|(own, _)| *own == number) {
            return Ok(Arc::clone(block));
        }
        let rows = (self.len - number * BLOCK_ROWS).min(BLOCK_ROWS);
        let mut bytes = vec![0; rows * self.width * 8];
        let at = self.offset(number);
        let file = rest.file.as_mut().ok_or_else(|| io::Error::other("no block"))?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        let numbers = bytes.chunks_exact(8).filter_map(|own| own.try_into().ok());
        let block = Arc::new(numbers.map(f64::from_le_bytes).collect::<Vec<_>>());
        if rest.held.len() == HELD {
            rest.held.pop_front();
        }
        rest.held.push_back((number, Arc::clone(&block)));
        Ok(block)
    }

    fn write_block(&mut self, number: usize, block: &[f64]) -> io::Result<()> {
        let at = self.offset(number);
        let rest = self.rest.get_mut().unwrap_or_else(PoisonError::into_inner);
        rest.held.retain(|(own, _)| *own != number);
        if rest.file.is_none() {
            rest.file = Some(tempfile::tempfile()?);
        }
        let Some(file) = &mut rest.file else { return Ok(()) };
        let bytes: Vec<u8> = block.iter().flat_map(|own| own.to_le_bytes()).collect();
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&bytes)
    }

    /// The offset of a block in the file.
    fn offset(&self, number: usize) -> u64 {
        ((number - self.memory.len()) * BLOCK_ROWS * self.width * 8) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_the_memory_are_read_back_changed_and_found() {
        // Wide rows, so that few are needed to exceed the memory.
        let width = 500;
        let rows = IN_MEMORY / width + 3 * BLOCK_ROWS + 17;
        let mut store = Store::new(width);
        for row in 0..rows {
            let value = row as f64;
            store.push(std::iter::repeat_n(value, width)).unwrap();
        }
        store.close_block().unwrap();
        assert!(store.rest.lock().unwrap().file.is_some());
        store.update(|row| row[0] *= 2.0).unwrap();
        assert_eq!(store.len(), rows);
        for row in [0, 1, BLOCK_ROWS, rows / 2, rows - BLOCK_ROWS, rows - 1] {
            let value = row as f64;
            let stored = store.row(row);
            assert_eq!((stored.len(), stored[0], stored[width - 1]), (width, 2.0 * value, value));
            assert_eq!(store.first_at(2.0 * value), row);
            assert_eq!(store.first_at(2.0f64.mul_add(value, 1.0)), row + 1);
        }
        assert!(store.row(rows).is_empty());
        assert!(store.rest.lock().unwrap().held.len() <= HELD);
    }
}
