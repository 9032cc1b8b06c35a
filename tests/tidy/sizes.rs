//! Sizes: what fits into a reader's head (the house's section 10).

use crate::Fault;
use crate::source::{Function, Source};

const FILE: usize = 400;
const TEST_MODULE: usize = 100;
const FUNCTION: usize = 60;
const HANDLER: usize = 40;
const ARGUMENTS: usize = 5;

const HANDLERS: &[&str] = &["src/web/data/", "src/web/manage/", "src/web/dashboard/"];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let mut found = file(source);
    found.extend(source.functions().iter().flat_map(|function| of_function(source, function)));
    found
}

fn file(source: &Source) -> Vec<Fault> {
    let mut found = Vec::new();
    if source.lines() > FILE {
        let what =
            format!("{} lines without tests; a file has at most {FILE}: it says two things, split it", source.lines());
        found.push(Fault::new(source, 1, what));
    }
    for (line, lines) in &source.test_modules {
        if *lines > TEST_MODULE {
            let what = format!("an inline test module of {lines} lines; above {TEST_MODULE} it is a file of its own");
            found.push(Fault::new(source, *line, what));
        }
    }
    found
}

fn of_function(source: &Source, function: &Function<'_>) -> Vec<Fault> {
    let Function { name, line, arguments, body } = function;
    let handler = HANDLERS.iter().any(|folder| source.path.starts_with(folder));
    let (limit, kind) = if handler { (HANDLER, "handler") } else { (FUNCTION, "function") };
    let mut found = Vec::new();
    if *body > limit {
        found.push(Fault::new(source, *line, format!("{kind} {name} has {body} lines; the limit is {limit}")));
    }
    if *arguments > ARGUMENTS {
        let what = format!("{name} takes {arguments} arguments; the limit is {ARGUMENTS}: give them a name together");
        found.push(Fault::new(source, *line, what));
    }
    found
}
