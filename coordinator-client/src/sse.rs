//! The lines of an event stream (WHATWG, server-sent events), as far as they are used: `id`, `data`, comments.

use std::collections::VecDeque;

/// The longest event that is read, its `id` included.
const EVENT_BYTES_MAX: usize = 256 << 10;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The last `id` seen up to here.
    pub id: Option<String>,
    /// The `data` lines, with line feeds between them.
    pub data: Vec<u8>,
}

/// An event that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Cuts a stream into events, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed right after it belongs to the same end of line.
    after_return: bool,
    id: Option<String>,
    data: Option<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Parser {
    /// Takes the next piece of the stream.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        for &byte in piece {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => {
                    self.line.push(byte);
                    let data = self.data.as_ref().map_or(0, Vec::len);
                    if self.line.len() + data > EVENT_BYTES_MAX {
                        return Err(TooLong);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next whole event.
    pub fn pop(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            if let Some(data) = self.data.take() {
                self.events.push_back(Event { id: self.id.clone(), data });
            }
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"id" => self.id = String::from_utf8(value.to_vec()).ok().filter(|id| !id.contains('\0')),
            // A comment, or a field that is not used.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<(Option<String>, String)> {
        let mut parser = Parser::default();
        pieces.iter().for_each(|piece| parser.feed(piece).expect("short"));
        let all = std::iter::from_fn(|| parser.pop());
        all.map(|event| (event.id, String::from_utf8(event.data).expect("text"))).collect()
    }

    #[test]
    fn events_are_cut_at_empty_lines_whatever_ends_a_line_and_wherever_pieces_end() {
        let text = b": hello\n\nid: 7\ndata: a\ndata:b\n\nevent: x\rretry: 5\rdata: c\r\rdata: d\r\n\r\n: bye\n\n";
        let expected = [("7", "a\nb"), ("7", "c"), ("7", "d")].map(|(id, data)| (Some(id.to_owned()), data.to_owned()));
        assert_eq!(parse(&[text]), expected);
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(parse(&bytes), expected);
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(parse(&[left, right]), expected, "{cut}");
        }
    }

    #[test]
    fn an_unfinished_event_is_none_and_an_endless_one_is_refused() {
        assert_eq!(parse(&[b"id: 1\ndata: a\n"]), []);
        assert_eq!(parse(&[b"\n\n\nid: 1\n\n"]), []);
        assert_eq!(Parser::default().feed(&vec![b'x'; EVENT_BYTES_MAX + 1]), Err(TooLong));
        let many = b"data: 12345678\n".repeat(EVENT_BYTES_MAX / 8);
        assert_eq!(Parser::default().feed(&many), Err(TooLong));
    }
}
