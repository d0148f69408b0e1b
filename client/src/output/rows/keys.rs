//! Names of columns as keys of an object.

use std::collections::HashSet;

use borealis_proto::Column;

/// Names may repeat in a result, and must not in an object: the second `n` is `n_2`.
pub(super) fn keys(columns: &[Column]) -> Vec<String> {
    let mut taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut seen = HashSet::new();
    let mut keys = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        if !seen.insert(&column.name) {
            let free = |n: &u64| !taken.contains(&format!("{}_{n}", column.name));
            let number = (2..).find(free).unwrap_or_default();
            name = format!("{}_{number}", column.name);
            taken.insert(name.clone());
        }
        keys.push(name);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_lose_no_column() {
        let column = |name: &str| Column { name: name.into(), type_oid: 25 };
        assert_eq!(keys(&["n", "n", "n_2", "n"].map(column)), ["n", "n_3", "n_2", "n_4"]);
    }
}
