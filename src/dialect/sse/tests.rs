//! Splitting at every border, all three line ends, and the bound.

use super::*;

fn split(splitter: &mut Splitter, chunk: &Bytes) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let (kept, outcome) = splitter.sift::<Oversized>(chunk, |event| {
        events.push(event.to_vec());
        Ok(true)
    });
    assert_eq!(outcome, Ok(()));
    assert_eq!(kept, events.concat());
    events
}

#[test]
fn a_chunk_of_whole_events_is_not_copied() {
    let chunk = Bytes::from_static(b"data: a\n\n: note\n\ndata: b\n\n");
    let (kept, outcome) = Splitter::default().sift::<Oversized>(&chunk, |_| Ok(true));
    assert_eq!(outcome, Ok(()));
    assert_eq!((kept.as_ptr(), kept.len()), (chunk.as_ptr(), chunk.len()));
    let (kept, _) = Splitter::default().sift::<Oversized>(&chunk, |event| Ok(!event.ends_with(b"b\n\n")));
    assert_eq!((kept.as_ptr(), kept.len()), (chunk.as_ptr(), chunk.len() - 9));
    let (kept, _) = Splitter::default().sift::<Oversized>(&chunk, |event| Ok(event.starts_with(b"data")));
    assert_eq!(&kept[..], b"data: a\n\ndata: b\n\n");
}

#[test]
fn events_are_the_same_wherever_the_chunks_end() {
    for end in ["\n", "\r\n", "\r"] {
        let stream =
            ["id: 1|data: \u{1F980}|data: two||", ": note||", "|", "data: b||", "event: x|data||", "data: rest"]
                .map(|event| event.replace('|', end).into_bytes());
        let (events, rest) = (&stream[..5], &stream[5]);
        let whole = Bytes::from(stream.concat());
        for cut in 0..=whole.len() {
            let mut splitter = Splitter::default();
            let mut seen = split(&mut splitter, &whole.slice(..cut));
            seen.extend(split(&mut splitter, &whole.slice(cut..)));
            assert_eq!(seen, events, "cut at {cut} with {end:?}");
            assert_eq!(splitter.take_pending(), rest);
        }
        let mut splitter = Splitter::default();
        let bytewise: Vec<_> = (0..whole.len()).flat_map(|at| split(&mut splitter, &whole.slice(at..=at))).collect();
        assert_eq!(bytewise, events);
    }
}

#[test]
fn a_fault_gives_back_what_came_before_it() {
    let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\ndata: c\n\n");
    let (kept, outcome) =
        Splitter::default().sift(&chunk, |event| if event.starts_with(b"data: b") { Err(Oversized) } else { Ok(true) });
    assert_eq!((&kept[..], outcome), (&b"data: a\n\n"[..], Err(Oversized)));
}

#[test]
fn an_endless_event_is_refused() {
    let part = Bytes::from(vec![b'x'; MAX_EVENT / 2]);
    let mut splitter = Splitter::default();
    for accepted in [true, true, false] {
        let (_, outcome) = splitter.sift::<Oversized>(&part, |_| Ok(true));
        assert_eq!(outcome.is_ok(), accepted);
    }
    let mut long = vec![b'x'; MAX_EVENT];
    long.extend_from_slice(b"\n\n");
    assert_eq!(Splitter::default().sift::<Oversized>(&Bytes::from(long), |_| Ok(true)).1, Err(Oversized));
}

#[test]
fn data_is_read_from_any_form_of_event() {
    for (event, data) in [
        ("data: x\n\n", "x"),
        ("data:x\r\n\r\n", "x"),
        ("\u{feff}data:  x\r\r", " x"),
        ("event: e\ndata: a\nid: 7\ndata:b\n\n", "a\nb"),
        ("data: a\r\ndata\r\n\r\n", "a\n"),
        (": only a comment\n\n", ""),
        ("database: x\n\n", ""),
    ] {
        assert_eq!(Event::read(event.as_bytes()).data(), data.as_bytes(), "{event:?}");
    }
}

#[test]
fn foreign_bodies_are_recognised() {
    for (event, foreign) in [
        ("<html>\n<body>\n\n", true),
        ("{\"error\":1}\n\n", true),
        ("database: x\n\n", true),
        ("\n", false),
        (":\n\n", false),
        ("retry: 5\n\n", false),
        ("x-own: 1\ndata: a\n\n", false),
    ] {
        assert_eq!(Event::read(event.as_bytes()).is_foreign(), foreign, "{event:?}");
    }
}
