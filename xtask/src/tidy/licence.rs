//! Licence expressions (SPDX), as far as crates write them.

/// Is an expression fulfilled by licences that are allowed?
///
/// An expression that cannot be read is not fulfilled.
pub(super) fn fulfilled(expression: &str, allowed: &[String]) -> bool {
    // Before SPDX expressions, crates wrote `MIT/Apache-2.0` and meant either.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) == Some(true) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut good = all(rest, allowed)?;
    while let ["OR", after @ ..] = rest {
        *rest = after;
        good |= all(rest, allowed)?;
    }
    Some(good)
}

fn all(rest: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut good = one(rest, allowed)?;
    while let ["AND", after @ ..] = rest {
        *rest = after;
        good &= one(rest, allowed)?;
    }
    Some(good)
}

fn one(rest: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let is_allowed = |licence: &str| allowed.iter().any(|a| a == licence);
    match rest {
        ["(", after @ ..] => {
            *rest = after;
            let good = either(rest, allowed)?;
            let [")", after @ ..] = rest else { return None };
            *rest = after;
            Some(good)
        }
        [")" | "AND" | "OR" | "WITH", ..] | [] => None,
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            Some(is_allowed(&format!("{licence} WITH {exception}")))
        }
        [licence, after @ ..] => {
            *rest = after;
            Some(is_allowed(licence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_fulfilled_by_what_is_allowed() {
        let allowed = ["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "ISC AND (MIT OR GPL-3.0)",
            "GPL-2.0 OR Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(fulfilled(good, &allowed), "{good}");
        }
        let bad = [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT)",
            "",
            "MIT OR",
            "MIT MIT",
            "MIT WITH LLVM-exception",
        ];
        for bad in bad {
            assert!(!fulfilled(bad, &allowed), "{bad}");
        }
    }
}
