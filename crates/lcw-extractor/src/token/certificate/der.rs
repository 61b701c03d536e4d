//! As much of DER (ITU-T X.690) as certificates, keys and PFX files need.

/// Tags in use here, as they stand in the encoding.
pub(super) mod tag {
    pub(in super::super) const INTEGER: u8 = 0x02;
    pub(in super::super) const BIT_STRING: u8 = 0x03;
    pub(in super::super) const OCTET_STRING: u8 = 0x04;
    pub(in super::super) const OID: u8 = 0x06;
    pub(in super::super) const SEQUENCE: u8 = 0x30;
    /// `[0]`, primitive and constructed.
    pub(in super::super) const CONTEXT_0_PLAIN: u8 = 0x80;
    pub(in super::super) const CONTEXT_0: u8 = 0xa0;
}

/// Elements that follow one another. Reading past the end, another tag or a broken length is `None`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a> {
    rest: &'a [u8],
}

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The content of the next element, whatever it is.
    pub(super) fn any(&mut self) -> Option<&'a [u8]> {
        let (_, after_tag) = self.rest.split_first()?;
        let (length, after_length) = length(after_tag)?;
        let (content, rest) = after_length.split_at_checked(length)?;
        self.rest = rest;
        Some(content)
    }

    /// The content of the next element when it has this tag; with another it stays unread.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek()? == tag {
            self.any()
        } else {
            None
        }
    }

    /// The elements of the next element, a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.inside(tag::SEQUENCE)
    }

    /// The elements of the next element, which has this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self::new)
    }

    /// A small number.
    pub(super) fn number(&mut self) -> Option<u32> {
        let bytes = self.take(tag::INTEGER)?;
        let significant = bytes.iter().skip_while(|byte| **byte == 0).count();
        if bytes.is_empty() || bytes[0] & 0x80 != 0 || significant > 4 {
            return None;
        }
        let number = bytes
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        u32::try_from(number).ok()
    }
}

/// A definite length and what comes after it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    let length = digits
        .iter()
        .fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
    Some((usize::try_from(length).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_one_after_the_other() {
        let mut der = Der::new(&[0x30, 5, 2, 1, 7, 4, 0, 6, 1, 42]);
        let mut inner = der.sequence().unwrap();
        assert_eq!(inner.take(tag::OID), None);
        assert_eq!(inner.number(), Some(7));
        assert_eq!(inner.take(tag::OCTET_STRING), Some(&[][..]));
        assert!(inner.is_empty() && inner.any().is_none());
        assert_eq!(der.take(tag::OID), Some(&[42][..]));
    }

    #[test]
    fn broken_encodings_are_nothing() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
        ] {
            assert!(Der::new(bytes).any().is_none(), "{bytes:?}");
        }
        for bytes in [
            &[2, 0][..],
            &[2, 1, 0x80],
            &[2, 5, 1, 0, 0, 0, 0],
            &[4, 1, 7],
        ] {
            assert_eq!(Der::new(bytes).number(), None, "{bytes:?}");
        }
        assert_eq!(
            Der::new(&[2, 5, 0, 0xff, 0xff, 0xff, 0xff]).number(),
            Some(u32::MAX)
        );
    }
}
