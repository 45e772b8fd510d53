//! Files of gzip and bzip2: consecutive members, as when a growing file is compressed, and the
//! zeros with which tapes and disks pad files.

use std::io::{self, BufRead, Read};

/// The compressed bytes.
type CompressedBytes = Box<dyn BufRead + Send>;

/// A decoder of one member.
pub(crate) trait MemberDecoder: Read {
    /// The first byte of a member.
    const FIRST: u8;
    /// The name of the format.
    const NAME: &str;

    fn begin(source: CompressedBytes) -> Self;

    /// What follows the member.
    fn end(self) -> CompressedBytes;
}

pub(crate) type GzipMembers = MemberReader<flate2::bufread::GzDecoder<CompressedBytes>>;
pub(crate) type BzipMembers = MemberReader<bzip2::bufread::BzDecoder<CompressedBytes>>;

impl MemberDecoder for flate2::bufread::GzDecoder<CompressedBytes> {
    const FIRST: u8 = 0x1f;
    const NAME: &str = "gzip";

    fn begin(source: CompressedBytes) -> Self {
        Self::new(source)
    }

    fn end(self) -> CompressedBytes {
        self.into_inner()
    }
}

impl MemberDecoder for bzip2::bufread::BzDecoder<CompressedBytes> {
    const FIRST: u8 = b'B';
    const NAME: &str = "bzip2";

    fn begin(source: CompressedBytes) -> Self {
        Self::new(source)
    }

    fn end(self) -> CompressedBytes {
        self.into_inner()
    }
}

/// Decompresses all members of a source.
pub(crate) struct MemberReader<D>(Option<D>);

impl<D: MemberDecoder> MemberReader<D> {
    pub(crate) fn new(source: CompressedBytes) -> Self {
        Self(Some(D::begin(source)))
    }
}

impl<D: MemberDecoder> Read for MemberReader<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(decoder) = &mut self.0 {
            match decoder.read(buffer) {
                Ok(0) => {}
                // What cannot be decompressed is cut off or damaged, whatever the decoder reports.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(_) => {
                    let what = format!("its {} data are cut off or damaged", D::NAME);
                    return Err(io::Error::other(what));
                }
                read => return read,
            }
            let Some(mut source) = self.0.take().map(D::end) else { break };
            match skip_zeros(&mut *source)? {
                None => break,
                Some(first) if first == D::FIRST => self.0 = Some(D::begin(source)),
                Some(_) => {
                    let what = format!("the bytes after its {0} data are not {0} data", D::NAME);
                    return Err(io::Error::other(what));
                }
            }
        }
        Ok(0)
    }
}

/// Skips zeros. Returns the next byte.
pub(crate) fn skip_zeros(source: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().position(|byte| *byte != 0);
        let (first, count) = (zeros.and_then(|at| bytes.get(at)).copied(), bytes.len());
        if count == 0 || first.is_some() {
            source.consume(zeros.unwrap_or_default());
            return Ok(first);
        }
        source.consume(count);
    }
}
