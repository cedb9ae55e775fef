//! Cases of one check, counted, with the first that went wrong.

use proofyard_kernels::KernelError;

use crate::report::{Check, Outcome, Part};

/// A check that is under way.
pub struct Tally {
    check: Check,
}

impl Tally {
    /// A check without cases.
    pub fn new(what: impl Into<String>, log2: Option<u32>) -> Self {
        Self { check: Check { what: what.into(), log2, cases: 0, outcome: Outcome::Correct, detail: None } }
    }

    /// Takes a case: whether it is right, or why there is no result.
    pub fn case(&mut self, name: &str, result: Result<bool, KernelError>) {
        self.check.cases += 1;
        let (outcome, detail) = match result {
            Ok(true) => return,
            Ok(false) => (Outcome::Wrong, format!("{name}: the result differs")),
            Err(KernelError::OutOfMemory(text)) => (Outcome::Unavailable, format!("{name}: out of memory, {text}")),
            Err(error) => (Outcome::Wrong, format!("{name}: {error}")),
        };
        // The worst counts, and of the worst the first.
        if outcome > self.check.outcome {
            (self.check.outcome, self.check.detail) = (outcome, Some(detail));
        }
    }

    /// Takes a case that must be equal to what is expected.
    pub fn equal<T: PartialEq>(&mut self, name: &str, got: Result<T, KernelError>, expected: &T) {
        self.case(name, got.map(|got| got == *expected));
    }

    /// Enters the check.
    pub fn enter(self, part: &mut Part) {
        let Check { what, log2, cases, outcome, detail } = &self.check;
        if *outcome != Outcome::Correct {
            let size = log2.map_or_else(String::new, |log2| format!(" 2^{log2}"));
            let detail = detail.as_deref().unwrap_or_default();
            eprintln!("  {what}{size}, {cases} cases: {outcome}: {detail}");
        }
        part.checks.push(self.check);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::PartName;

    #[test]
    fn the_worst_case_is_told() {
        let mut part = Part::new(PartName::Answers);
        let mut tally = Tally::new("x", Some(4));
        tally.equal("a", Ok(1), &1);
        tally.equal("b", Err(KernelError::OutOfMemory("none".to_owned())), &1);
        tally.equal("c", Ok(2), &1);
        tally.case("d", Ok(false));
        tally.enter(&mut part);
        let check = &part.checks[0];
        assert_eq!((check.cases, check.outcome), (4, Outcome::Wrong));
        assert_eq!(check.detail.as_deref(), Some("c: the result differs"));
    }
}
