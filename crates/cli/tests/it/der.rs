//! DER, taken apart and put together again: how a test changes one part of a structure, and nothing else in it.

/// One value: its tag, and what is in it.
#[derive(Clone)]
pub(crate) struct Der {
    tag: u8,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Primitive(Vec<u8>),
    Constructed(Vec<Der>),
}

const CONSTRUCTED: u8 = 0x20;

impl Der {
    /// Reads one value that is there whole.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (value, rest) = Self::read(bytes);
        assert!(rest.is_empty(), "{} bytes after the value", rest.len());
        value
    }

    /// A constructed value of these.
    pub(crate) fn of(tag: u8, children: Vec<Self>) -> Self {
        Self { tag, body: Body::Constructed(children) }
    }

    /// A primitive value.
    pub(crate) fn primitive(tag: u8, bytes: &[u8]) -> Self {
        Self { tag, body: Body::Primitive(bytes.to_vec()) }
    }

    fn read(bytes: &[u8]) -> (Self, &[u8]) {
        let (tag, first) = (bytes[0], usize::from(bytes[1]));
        let (length, header) = match first {
            0..0x80 => (first, 2),
            _ => {
                let count = first - 0x80;
                let length = bytes[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, 2 + count)
            }
        };
        let (mut inside, rest) = bytes[header..].split_at(length);
        if tag & CONSTRUCTED == 0 {
            return (Self::primitive(tag, inside), rest);
        }
        let mut children = Vec::new();
        while !inside.is_empty() {
            let (child, others) = Self::read(inside);
            children.push(child);
            inside = others;
        }
        (Self::of(tag, children), rest)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let inside = match &self.body {
            Body::Primitive(bytes) => bytes.clone(),
            Body::Constructed(children) => children.iter().flat_map(Self::encode).collect(),
        };
        let length = u32::try_from(inside.len()).unwrap().to_be_bytes();
        let short: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
        let length = match inside.len() {
            0..0x80 => vec![inside.len() as u8],
            _ => [&[0x80 + short.len() as u8], short.as_slice()].concat(),
        };
        [&[self.tag], length.as_slice(), &inside].concat()
    }

    pub(crate) fn children(&mut self) -> &mut Vec<Self> {
        match &mut self.body {
            Body::Constructed(children) => children,
            Body::Primitive(_) => panic!("a primitive value has nothing inside"),
        }
    }

    /// What a primitive value holds.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        match &mut self.body {
            Body::Primitive(bytes) => bytes,
            Body::Constructed(_) => panic!("a constructed value has no bytes of its own"),
        }
    }

    /// The value at the end of a way downwards.
    pub(crate) fn at(&mut self, way: &[usize]) -> &mut Self {
        way.iter().fold(self, |value, place| &mut value.children()[*place])
    }

    /// The child that begins with this OID: an attribute, an extension.
    pub(crate) fn named(&mut self, oid: &[u8]) -> &mut Self {
        let begins = |child: &mut Self| matches!(&child.children()[0].body, Body::Primitive(b) if b == oid);
        self.children().iter_mut().find_map(|child| begins(child).then_some(child)).unwrap()
    }

    /// Changes DER that stands inside a string, as in an OCTET STRING.
    pub(crate) fn inside(&mut self, change: impl FnOnce(&mut Self)) {
        let bytes = self.bytes();
        let mut inner = Self::parse(bytes);
        change(&mut inner);
        *bytes = inner.encode();
    }

    /// Flips the lowest bit of the last byte: digits stay digits, letters letters, and a DER value DER.
    pub(crate) fn flip_last(&mut self) {
        *self.bytes().last_mut().unwrap() ^= 1;
    }
}

/// The DER of one structure, with a change.
pub(crate) fn changed(der: &[u8], change: impl FnOnce(&mut Der)) -> Vec<u8> {
    let mut value = Der::parse(der);
    assert_eq!(value.encode(), der, "what is taken apart must go together again");
    change(&mut value);
    value.encode()
}
