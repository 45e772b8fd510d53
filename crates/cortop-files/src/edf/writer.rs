//! Writes EDF, EDF+C and BDF+C sample by sample. A data record is written as soon as all signals
//! have their samples for it, and each flush updates the number of records in the header, so that
//! the file can be read at any moment.

use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom, Write},
};

use super::{
    annotation::{Annotation, NO_DATA, PADDING, record_time},
    header::{EdfHeader, RECORDS_AT, SECONDS_AT, number},
};

/// How many annotations may wait for room in a record; further ones are lost, and counted.
const MAX_WAITING: usize = 10_000;
/// How many records are searched for an annotation, starting at its onset.
const MOST_SEARCHED: usize = 4096;
/// Room in a record for its time and one annotation.
const LEAST_ANNOTATION_BYTES: usize = 64;

/// The samples of a signal that are not yet in a record, and the last one.
type PendingSamples = (VecDeque<i32>, i32);

/// Writes a file.
#[derive(Debug)]
pub struct EdfWriter<W: Write + Seek> {
    file: W,
    header: EdfHeader,
    waiting: Vec<PendingSamples>,
    annotations: VecDeque<Annotation>,
    lost_annotations: u64,
    /// Values beyond the scale of their signal.
    clipped: u64,
    records: u64,
    /// A buffer for one record, reused.
    record: Vec<u8>,
}

impl<W: Write + Seek> EdfWriter<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut file: W, header: EdfHeader) -> io::Result<Self> {
        let mut header = header.fitted();
        header.annotation_bytes = header.annotation_bytes.max(LEAST_ANNOTATION_BYTES);
        for signal in &mut header.signals {
            signal.samples = signal.samples.max(1);
        }
        file.write_all(&header.encode(0))?;
        let waiting = header.signals.iter().map(|own| (VecDeque::new(), own.scale.to_digital(0.0)));
        Ok(Self {
            waiting: waiting.collect(),
            header,
            file,
            annotations: VecDeque::new(),
            lost_annotations: 0,
            clipped: 0,
            records: 0,
            record: Vec::new(),
        })
    }

    /// Adds a sample of a signal, by its index in the header; NaN repeats the previous one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn push(&mut self, signal: usize, value: f64) -> io::Result<()> {
        let Some(((waiting, last), own)) =
            self.waiting.get_mut(signal).zip(self.header.signals.get(signal))
        else {
            return Ok(());
        };
        if value.is_finite() {
            *last = own.scale.to_digital(value);
            self.clipped += u64::from(!own.scale.holds(value));
        }
        waiting.push_back(*last);
        let complete = waiting.len() >= own.samples && self.is_complete();
        if complete { self.write_record() } else { Ok(()) }
    }

    /// Adds an annotation, with its onset in seconds since the first sample. It goes into the next
    /// record that has room for it.
    pub fn annotate(&mut self, annotation: Annotation) {
        if self.annotations.len() == MAX_WAITING || !self.header.format.has_annotations() {
            self.lost_annotations += 1;
            return;
        }
        let onset = annotation.onset + self.header.subsecond();
        self.annotations.push_back(Annotation { onset, ..annotation });
    }

    /// Records that nothing was measured, starting this many seconds after the first sample. This
    /// goes into the next record, ahead of other waiting annotations, because readers need it in
    /// time.
    pub fn annotate_no_data(&mut self, onset: f64, duration: f64) {
        if self.annotations.len() == MAX_WAITING || !self.header.format.has_annotations() {
            self.lost_annotations += 1;
            return;
        }
        let onset = onset + self.header.subsecond();
        let others = self.annotations.iter().position(|own| own.text != NO_DATA);
        let at = others.unwrap_or(self.annotations.len());
        let text = NO_DATA.to_owned();
        self.annotations.insert(at, Annotation { onset, duration: Some(duration), text });
    }

    /// The header of the file.
    #[must_use]
    pub fn header(&self) -> &EdfHeader {
        &self.header
    }

    /// The underlying writer.
    pub fn get_ref(&self) -> &W {
        &self.file
    }

    /// How many values were beyond the scale of their signal and were clipped to its end.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// How many annotations found no room.
    #[must_use]
    pub fn lost_annotations(&self) -> u64 {
        self.lost_annotations
    }

    /// Records written so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Updates the header and flushes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        // The records must be on disk before the header counts them.
        self.file.flush()?;
        self.patch(RECORDS_AT, format!("{:<8}", self.records).as_bytes())?;
        self.file.flush()
    }

    /// Ends the file where its fastest signals end. The record in progress is filled with the last
    /// values, as are further ones while annotations wait for room; an annotation marks the
    /// padding.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.complete()?;
        Ok(self.file)
    }

    /// Like [`finish`](Self::finish), but keeps the writer for queries; nothing more may be added.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn complete(&mut self) -> io::Result<()> {
        let fastest = self.waiting.iter().zip(&self.header.signals);
        let fastest = fastest.max_by_key(|(_, signal)| signal.samples);
        let begun = fastest.map_or(0.0, |((own, _), it)| own.len() as f64 / it.samples as f64);
        let rest = begun.ceil() - begun;
        if rest > 0.0 && self.header.format.has_annotations() {
            // Before the record that it is about, or in it.
            self.annotations.push_front(self.padding(begun, rest));
        }
        let end = self.records as f64 + begun;
        while (self.records as f64) < end {
            self.fill_record()?;
        }
        if !self.annotations.is_empty() {
            // Its own length is part of what needs room.
            let mut filled = 1;
            self.annotations.push_front(self.padding(0.0, 1.0));
            while self.records_for_annotations() > filled {
                filled = self.records_for_annotations();
                self.annotations[0] = self.padding(0.0, filled as f64);
            }
        }
        while !self.annotations.is_empty() {
            self.fill_record()?;
        }
        self.flush()
    }

    fn is_complete(&self) -> bool {
        self.waiting.iter().zip(&self.header.signals).all(|((own, _), it)| own.len() >= it.samples)
    }

    /// The annotation that there is padding, starting this many records after the last one.
    fn padding(&self, from: f64, records: f64) -> Annotation {
        let seconds = self.header.record_seconds;
        let onset = (self.records as f64 + from).mul_add(seconds, self.header.subsecond());
        let duration = Some(records * seconds);
        Annotation { onset, duration, text: PADDING.to_owned() }
    }

    /// The most bytes of a record's longest annotation.
    fn room_for_annotation(&self) -> usize {
        self.header.annotation_bytes.saturating_sub(record_time(0.0).len())
    }

    /// How many records the waiting annotations need.
    fn records_for_annotations(&self) -> u64 {
        let room = self.room_for_annotation();
        let (mut records, mut left) = (0, 0);
        for own in &self.annotations {
            let length = own.encode(room).len();
            if length > left {
                records += 1;
                left = room;
            }
            left = left.saturating_sub(length);
        }
        records
    }

    /// Fills a record with the last values and writes it.
    fn fill_record(&mut self) -> io::Result<()> {
        for ((own, last), signal) in self.waiting.iter_mut().zip(&self.header.signals) {
            own.resize(own.len().max(signal.samples), *last);
        }
        self.write_record()
    }

    fn write_record(&mut self) -> io::Result<()> {
        let bytes = self.header.format.sample_bytes();
        self.record.clear();
        for ((own, _), signal) in self.waiting.iter_mut().zip(&self.header.signals) {
            for digital in own.drain(..signal.samples.min(own.len())) {
                self.record.extend(digital.to_le_bytes().iter().take(bytes));
            }
        }
        if self.header.format.has_annotations() {
            let onset = self.header.record_seconds * self.records as f64;
            let end = self.record.len() + self.header.annotation_samples() * bytes;
            self.record.extend(record_time(onset + self.header.subsecond()));
            let whole = self.room_for_annotation();
            while let Some(first) = self.annotations.front() {
                let list = first.encode(whole);
                if self.record.len() + list.len() > end {
                    break;
                }
                self.record.extend(list);
                self.annotations.pop_front();
            }
            self.record.resize(end, 0);
        }
        self.file.write_all(&self.record)?;
        self.records += 1;
        Ok(())
    }

    /// Overwrites bytes of the file, and returns to its end.
    fn patch(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Bytes per data record.
    fn record_bytes(&self) -> usize {
        let samples: usize = self.header.signals.iter().map(|own| own.samples).sum();
        (samples + self.header.annotation_samples()) * self.header.format.sample_bytes()
    }
}

impl<W: Read + Write + Seek> EdfWriter<W> {
    /// Changes the duration of the records to match the headset's measured rate: in the header, and
    /// in the time of each record. Annotations written so far move with their records.
    ///
    /// # Errors
    /// The file cannot be written or read.
    pub fn set_record_seconds(&mut self, seconds: f64) -> io::Result<()> {
        self.file.flush()?;
        // The records must agree with what the field of the header can hold.
        let field = number(seconds);
        let seconds: f64 = field.parse().unwrap_or(seconds);
        let before = self.header.record_seconds;
        self.header.record_seconds = seconds;
        self.patch(SECONDS_AT, format!("{field:<8}").as_bytes())?;
        if !self.header.format.has_annotations() {
            return Ok(());
        }
        let subsecond = self.header.subsecond();
        let scale = |own: &mut Annotation| {
            own.onset = (own.onset - subsecond) * seconds / before + subsecond;
            own.duration = own.duration.map(|duration| duration * seconds / before);
        };
        self.annotations.iter_mut().for_each(scale);
        for record in 0..self.records {
            let mut annotations = self.read_annotations(record)?;
            annotations.iter_mut().for_each(scale);
            // Longer numbers may not fit where shorter ones did.
            self.write_annotations(record, annotations)?;
        }
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Sets the duration of an annotation, whether already written or still waiting. `onset` and
    /// `text` are those with which it was added; if it is not found, nothing changes.
    ///
    /// # Errors
    /// The file cannot be written or read.
    pub fn set_duration(&mut self, onset: f64, text: &str, duration: f64) -> io::Result<()> {
        let onset = onset + self.header.subsecond();
        let duration = Some(duration);
        if let Some(own) = self.annotations.iter_mut().find(|own| own.is(onset, text)) {
            own.duration = duration;
            return Ok(());
        }
        let seconds = self.header.record_seconds;
        // It was added before its record was written, and may have waited for room.
        let whole = (onset / seconds).floor().max(1.0) - 1.0;
        let after = (0..self.records).skip_while(|record| (*record as f64) < whole);
        for record in after.take(MOST_SEARCHED) {
            let mut annotations = self.read_annotations(record)?;
            if let Some(own) = annotations.iter_mut().find(|own| own.is(onset, text)) {
                own.duration = duration;
                self.write_annotations(record, annotations)?;
                break;
            }
        }
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// The offset of a record's annotations, and their length in bytes.
    fn annotations_at(&self, record: u64) -> (u64, usize) {
        let room = self.header.annotation_samples() * self.header.format.sample_bytes();
        let start = self.header.bytes() as u64;
        (start + (record + 1) * self.record_bytes() as u64 - room as u64, room)
    }

    fn read_annotations(&mut self, record: u64) -> io::Result<Vec<Annotation>> {
        let (at, room) = self.annotations_at(record);
        let mut bytes = vec![0; room];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(Annotation::decode(&bytes).1)
    }

    /// Overwrites the time of a record and its annotations. Those that do not fit go into the next
    /// record with room.
    fn write_annotations(&mut self, record: u64, annotations: Vec<Annotation>) -> io::Result<()> {
        let (at, room) = self.annotations_at(record);
        let onset = self.header.record_seconds * record as f64;
        let mut lists = record_time(onset + self.header.subsecond());
        for own in annotations {
            let list = own.encode(room);
            if lists.len() + list.len() <= room {
                lists.extend(list);
            } else if self.annotations.len() < MAX_WAITING {
                self.annotations.push_back(own);
            } else {
                self.lost_annotations += 1;
            }
        }
        lists.resize(room, 0);
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(&lists)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::edf::header::{EdfFormat, EdfScale, EdfSignal};

    fn header(format: EdfFormat) -> EdfHeader {
        let signal = |label: &str, samples| EdfSignal {
            label: label.to_owned(),
            transducer: String::new(),
            unit: "uV".to_owned(),
            prefilter: String::new(),
            scale: EdfScale::from_zero(format, 8400.0, 5.0 / 39.0),
            samples,
        };
        EdfHeader {
            format,
            patient: "X X X X".to_owned(),
            recording: "X X INSIGHT-0A1B2C3D".to_owned(),
            start: 1_717_000_000.25,
            record_seconds: 1.0,
            signals: vec![signal("AF3", 4), signal("Pz", 2)],
            annotation_bytes: 66,
        }
    }

    /// The number of records in a header, after checking that the file has exactly that many.
    fn records(bytes: &[u8], header: &EdfHeader) -> u64 {
        let text = |from: usize| str::from_utf8(&bytes[from..from + 8]).unwrap().trim().to_owned();
        let count: u64 = text(236).parse().unwrap();
        let samples = 6 + header.annotation_samples();
        let size = (samples * header.format.sample_bytes()) as u64;
        let start: u64 = text(184).parse().unwrap();
        assert_eq!(bytes.len() as u64, start + count * size);
        count
    }

    #[test]
    fn a_file_is_whole_after_each_flush() {
        for format in [EdfFormat::Edf, EdfFormat::EdfPlus, EdfFormat::BdfPlus] {
            let header = header(format);
            let mut writer = EdfWriter::new(Cursor::new(Vec::new()), header.clone()).unwrap();
            for index in 0..10_u32 {
                writer.push(0, f64::from(index)).unwrap();
                if index % 2 == 0 {
                    writer.push(1, 4200.0).unwrap();
                }
                writer.flush().unwrap();
                assert_eq!(records(writer.file.get_ref(), &header), u64::from(index + 1) / 4);
            }
            let bytes = writer.finish().unwrap().into_inner();
            assert_eq!(records(&bytes, &header), 3, "{format:?}");
        }
    }

    #[test]
    fn annotations_wait_for_room_and_the_last_record_says_what_is_padding() {
        let header = header(EdfFormat::EdfPlus);
        let mut writer = EdfWriter::new(Cursor::new(Vec::new()), header.clone()).unwrap();
        for index in 0..3 {
            let onset = f64::from(index) / 10.0;
            writer.annotate(Annotation { onset, duration: None, text: format!("marker {index}") });
        }
        for index in 0..5 {
            writer.push(0, f64::from(index)).unwrap();
        }
        writer.push(1, 1.0).unwrap();
        writer.push(1, f64::NAN).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let count = records(&bytes, &header);
        let room = header.annotation_samples() * 2;
        let size = 12 + room;
        let start = bytes.len() - usize::try_from(count).unwrap() * size;
        let found: Vec<_> = bytes[start..]
            .chunks(size)
            .enumerate()
            .flat_map(|(index, record)| {
                let (time, found) = Annotation::decode(&record[12..]);
                assert!((time.unwrap() - index as f64 - 0.25).abs() < 1e-9);
                found
            })
            .collect();
        let markers: Vec<_> = found.iter().filter(|own| own.text != PADDING).collect();
        let texts: Vec<_> = markers.iter().map(|own| own.text.as_str()).collect();
        assert_eq!(texts, ["marker 0", "marker 1", "marker 2"]);
        let filled = found.iter().find(|own| own.text == PADDING).unwrap();
        assert!((filled.onset - 1.5).abs() < 1e-6, "{filled:?}");
        assert!((filled.duration.unwrap() - 0.75).abs() < 1e-6, "{filled:?}");
        assert!((markers[1].onset - 0.35).abs() < 1e-6);
    }

    #[test]
    fn the_length_of_all_records_can_be_set_at_the_end() {
        let header = header(EdfFormat::BdfPlus);
        let mut writer = EdfWriter::new(Cursor::new(Vec::new()), header.clone()).unwrap();
        writer.annotate(Annotation { onset: 1.0, duration: None, text: "x".to_owned() });
        for index in 0..8 {
            writer.push(0, f64::from(index)).unwrap();
            if index % 2 == 0 {
                writer.push(1, 1.0).unwrap();
            }
        }
        writer.set_record_seconds(1.008_274).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert_eq!(str::from_utf8(&bytes[244..252]).unwrap(), "1.008274");
        let size = (6 + header.annotation_samples()) * 3;
        let last = Annotation::decode(&bytes[bytes.len() - header.annotation_samples() * 3..]);
        assert!((last.0.unwrap() - 1.008_274 - 0.25).abs() < 1e-6, "{last:?}");
        let start = bytes.len() - 2 * size;
        let first = Annotation::decode(&bytes[start + 18..start + size]).1;
        assert!((first[0].onset - 1.008_274 - 0.25).abs() < 1e-6);
    }

    /// The annotations of all records of a file.
    fn all_annotations(bytes: &[u8], header: &EdfHeader) -> Vec<Annotation> {
        let room = header.annotation_samples() * header.format.sample_bytes();
        let size = 6 * header.format.sample_bytes() + room;
        let records = bytes[header.bytes()..].chunks(size);
        records.flat_map(|own| Annotation::decode(&own[size - room..]).1).collect()
    }

    #[test]
    fn an_annotation_gets_its_length_where_it_stands_or_where_there_is_room() {
        let header = header(EdfFormat::EdfPlus);
        let mut writer = EdfWriter::new(Cursor::new(Vec::new()), header.clone()).unwrap();
        let annotate = |writer: &mut EdfWriter<_>, onset, text: &str| {
            writer.annotate(Annotation { onset, duration: None, text: text.to_owned() });
        };
        let record = |writer: &mut EdfWriter<_>| {
            for index in 0..4 {
                writer.push(0, f64::from(index)).unwrap();
                if index % 2 == 0 {
                    writer.push(1, f64::from(index)).unwrap();
                }
            }
        };
        // They fill the record: adding a duration forces one of them to move on.
        annotate(&mut writer, 0.25, "eyes shut 1");
        annotate(&mut writer, 0.5, "eyes open 2");
        record(&mut writer);
        assert_eq!(writer.annotations.len(), 0, "both are written");
        annotate(&mut writer, 1.5, "waits");
        writer.set_duration(1.5, "waits", 0.5).unwrap();
        writer.set_duration(0.25, "eyes shut 1", 1.25).unwrap();
        writer.set_duration(0.5, "eyes open 2", 2.5).unwrap();
        writer.set_duration(0.5, "another", 9.0).unwrap();
        record(&mut writer);
        record(&mut writer);
        let bytes = writer.finish().unwrap().into_inner();
        assert_eq!(records(&bytes, &header), 3);
        let mut found: Vec<_> = all_annotations(&bytes, &header)
            .into_iter()
            .map(|own| (own.onset - 0.25, own.duration, own.text))
            .collect();
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        let expected = [
            (0.25, Some(1.25), "eyes shut 1".to_owned()),
            (0.5, Some(2.5), "eyes open 2".to_owned()),
            (1.5, Some(0.5), "waits".to_owned()),
        ];
        assert_eq!(found, expected);
        let samples = |record: usize| {
            let size = (6 + header.annotation_samples()) * 2;
            bytes[header.bytes() + record * size..][..12].to_vec()
        };
        assert_eq!(samples(0), samples(2), "the samples stay");
    }
}
