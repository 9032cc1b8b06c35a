//! Any sequence of calls, with crashes anywhere, leaves the books a simple model expects.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Hold,
    /// Close one of the open holds.
    Close(usize),
    /// Close one, and die before the line is sent to the writer.
    CloseAndDie(usize),
    Refuse,
    Rotate,
    /// The ledger is replaced.
    Reopen,
    /// The process is: its writer goes too.
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Hold),
        5 => any::<usize>().prop_map(Step::Close),
        1 => any::<usize>().prop_map(Step::CloseAndDie),
        2 => Just(Step::Refuse),
        2 => Just(Step::Rotate),
        2 => Just(Step::Reopen),
        1 => Just(Step::Restart),
    ]
}

struct World {
    books: Books,
    journal: Box<dyn Journal>,
    open: BTreeMap<RequestId, u32>,
    lines: Vec<farthing_actors::ledger::entry::Entry>,
    count: u32,
}

impl World {
    fn new() -> Self {
        let books = Books::new();
        let (journal, _) = books.open();
        Self { books, journal, open: BTreeMap::new(), lines: vec![], count: 0 }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Hold => {
                self.count += 1;
                place(&mut *self.journal, self.count);
                self.open.insert(hold(self.count).call.request, self.count);
            }
            Step::Close(index) => self.close(index, true),
            Step::CloseAndDie(index) => {
                self.close(index, false);
                self.reopen();
            }
            Step::Refuse => {
                self.count += 1;
                let line = refusal(self.count);
                self.journal.append(&Record::Refused(line.clone()), Some(line.clone().into())).unwrap();
                self.lines.push(line);
            }
            Step::Rotate => {
                let holds: Vec<_> = self.open.values().copied().map(hold).collect();
                self.journal.rotate(&mut holds.iter().cloned().map(OpenHold::from)).unwrap();
            }
            Step::Reopen => self.reopen(),
            Step::Restart => {
                self.books.restart();
                self.reopen();
            }
        }
    }

    fn close(&mut self, index: usize, sent: bool) {
        let Some(id) = self.open.keys().copied().nth(index % self.open.len().max(1)) else { return };
        let n = self.open.remove(&id).unwrap();
        self.journal.append(&Record::Closed(closing(n)), sent.then(|| line(n).into())).unwrap();
        self.lines.push(line(n));
    }

    fn reopen(&mut self) {
        let (journal, recovered) = self.books.open();
        self.journal = journal;
        let expected: Vec<_> = self.open.values().copied().map(hold).collect();
        assert_eq!(open_holds(&recovered), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn books_survive_anything(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.take(step));
        world.reopen();
        prop_assert_eq!(world.books.lines(), world.lines);
        let verdict = world.books.verdict();
        prop_assert!(verdict.is_ok(), "{:?}", verdict);
        prop_assert_eq!(world.books.segments().len(), 1);
    }
}
