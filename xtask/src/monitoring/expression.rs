//! What a PromQL expression names: metrics with their matchers, and labels it groups by. That it parses, promtool says.

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// What it is compared with.
    pub value: String,
    /// The value is a regular expression.
    pub is_pattern: bool,
}

/// A metric with its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The metric.
    pub name: String,
    /// Its conditions.
    pub matchers: Vec<Matcher>,
}

/// Everything an expression names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Metrics.
    pub selectors: Vec<Selector>,
    /// Labels after `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`.
    pub grouping: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

const OPERATORS: [&str; 10] = ["and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end", "atan2"];
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression.
pub fn read(text: &str) -> Names {
    let tokens = tokens(text);
    let mut names = Names::default();
    let mut at = 0;
    while at < tokens.len() {
        let Token::Word(word) = &tokens[at] else {
            at += 1;
            continue;
        };
        let opens = |sign| tokens.get(at + 1) == Some(&Token::Sign(sign));
        if GROUPING.contains(&word.as_str()) {
            let listed = if opens('(') { until(&tokens, at + 2, ')') } else { &[] };
            names.grouping.extend(listed.iter().filter_map(|token| match token {
                Token::Word(label) => Some(label.clone()),
                Token::Text(_) | Token::Sign(_) => None,
            }));
            at += 2 + listed.len();
        } else if OPERATORS.contains(&word.to_lowercase().as_str()) || opens('(') || is_aggregation(&tokens, at) {
            at += 1;
        } else {
            let conditions = if opens('{') { until(&tokens, at + 2, '}') } else { &[] };
            names.selectors.push(Selector { name: word.clone(), matchers: matchers(conditions) });
            at += if opens('{') { 2 + conditions.len() } else { 1 };
        }
    }
    names
}

/// Whether `sum` stands in `sum by (...)`.
fn is_aggregation(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at + 1), Some(Token::Word(next)) if next == "by" || next == "without")
}

/// The tokens from a place to a sign, without it.
fn until(tokens: &[Token], from: usize, sign: char) -> &[Token] {
    let rest = tokens.get(from..).unwrap_or_default();
    let length = rest.iter().position(|token| *token == Token::Sign(sign)).unwrap_or(rest.len());
    &rest[..length]
}

fn matchers(tokens: &[Token]) -> Vec<Matcher> {
    tokens
        .split(|token| *token == Token::Sign(','))
        .filter_map(|condition| match condition {
            [Token::Word(label), signs @ .., Token::Text(value)] => Some(Matcher {
                label: label.clone(),
                value: value.clone(),
                is_pattern: signs.contains(&Token::Sign('~')),
            }),
            _ => None,
        })
        .collect()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '"' | '\'' | '`' => {
                let mut value = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '\\' if first != '`' => value.extend(rest.next()),
                        next if next == first => break,
                        next => value.push(next),
                    }
                }
                tokens.push(Token::Text(value));
            }
            // A range or a step: [5m], [1h:1m].
            '[' => drop(rest.by_ref().find(|next| *next == ']')),
            // A comment.
            '#' => drop(rest.by_ref().find(|next| *next == '\n')),
            // A number, or a duration after `offset`.
            '0'..='9' | '.' => while rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {},
            first if first.is_ascii_alphabetic() || first == '_' || first == ':' => {
                let mut word = String::from(first);
                while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || ['_', ':'].contains(next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            first if first.is_whitespace() => {}
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(text: &str) -> Vec<String> {
        read(text).selectors.into_iter().map(|selector| selector.name).collect()
    }

    #[test]
    fn metrics_are_told_from_functions_and_words() {
        assert_eq!(metrics("rate(a_total[5m]) / on (x) group_left (y) b:c > bool 2e3"), ["a_total", "b:c"]);
        assert_eq!(metrics("sum by (x) (a) and sum(b) by (x) unless count without (y) (c offset 1h)"), ["a", "b", "c"]);
        assert_eq!(metrics("topk(3, a) == Inf or time() - b < 1.5e3 # c\n"), ["a", "b"]);
        assert_eq!(metrics("max_over_time(a[1h:1m])"), ["a"]);
        assert_eq!(read("sum by (x, le) (a) * on (z) b").grouping, ["x", "le", "z"]);
    }

    #[test]
    fn matchers_are_read_with_their_values() {
        let read = read("a{b=\"c\", d=~\"e|f\", g!=\"h}\\\"\"} > 1");
        let matcher = |label: &str, value: &str, is_pattern| Matcher {
            label: label.to_owned(),
            value: value.to_owned(),
            is_pattern,
        };
        let expected = vec![matcher("b", "c", false), matcher("d", "e|f", true), matcher("g", "h}\"", false)];
        assert_eq!(read.selectors, [Selector { name: "a".to_owned(), matchers: expected }]);
    }
}
