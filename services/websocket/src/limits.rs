//! What a request may ask for at most. Checked before validation, whose own cost grows with what is asked for: a few
//! fragments that spread one another make a short text that means millions of fields.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    ServerError, ServerResult, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery},
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Longest text of a request, in bytes: the introspection query has 2 KiB.
pub const LONGEST_QUERY: usize = 32 * 1024;
/// Brackets of all kinds within one another. The parser needs stack for each.
const DEEPEST_BRACKETS: usize = 48;
/// Fields within one another.
const DEEPEST_FIELDS: usize = 12;
/// Fields within one another under `__schema` and `__type`: the introspection query of tools has 15.
const DEEPEST_INTROSPECTION: usize = 16;
/// Lists within one another under `__schema` and `__type`: each multiplies the answer by the size of the schema.
const DEEPEST_INTROSPECTED_LISTS: usize = 2;
/// Selection sets and fragments within one another.
const DEEPEST_SELECTIONS: usize = 32;
/// Fields, with every fragment written out where it is spread.
const MOST_FIELDS: usize = 1_000;
/// Questions about the schema in one request.
const MOST_INTROSPECTIONS: usize = 4;
/// Directives in one document.
const MOST_DIRECTIVES: usize = 50;

/// A request asks for too much; says of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TooMuch(pub &'static str);

/// Looks at the text before it is parsed.
pub fn check_text(query: &str) -> Result<(), TooMuch> {
    if query.len() > LONGEST_QUERY {
        return Err(TooMuch("The request is longer than 32 KiB."));
    }
    if deepest_brackets(query) > DEEPEST_BRACKETS {
        return Err(TooMuch("The request is nested too deep."));
    }
    Ok(())
}

/// How deep brackets stand within one another, outside of strings and comments.
fn deepest_brackets(query: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = query.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => rest = after(rest, |rest| matches!(rest.first(), Some(b'\n' | b'\r'))),
            b'"' => match rest.strip_prefix(b"\"\"") {
                Some(block) => rest = after_text(block, b"\"\"\""),
                None => rest = after_text(rest, b"\""),
            },
            _ => {}
        }
    }
    deepest
}

/// What stands after a string that ends with `end`, backslashes aside.
fn after_text<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix(end) {
            return tail;
        }
        let step = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        rest = rest.get(step..).unwrap_or_default();
    }
    rest
}

fn after(text: &[u8], ends: impl Fn(&[u8]) -> bool) -> &[u8] {
    let mut rest = text;
    while !rest.is_empty() && !ends(rest) {
        rest = rest.get(1..).unwrap_or_default();
    }
    rest
}

/// What a selection comes to, with fragments written out.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    fields: usize,
    depth: usize,
    introspections: usize,
    /// Lists of the schema within one another, if it is a question about the schema.
    lists: usize,
}

/// Looks at the parsed request before it is validated.
pub fn check_document(document: &ExecutableDocument) -> Result<(), TooMuch> {
    let mut measure = Measure { document, fragments: HashMap::new(), directives: 0 };
    for (_, operation) in document.operations.iter() {
        measure.directives += operation.node.directives.len();
        let extent = measure.selection_set(&operation.node.selection_set.node, 0)?;
        if extent.depth > DEEPEST_FIELDS {
            return Err(TooMuch("The request is nested too deep."));
        }
        if extent.introspections > MOST_INTROSPECTIONS {
            return Err(TooMuch("The request asks too often about the schema."));
        }
    }
    // Fragments that no operation spreads are looked at by validation as well.
    for name in document.fragments.keys() {
        measure.fragment(name.as_str(), 0)?;
    }
    if measure.directives > MOST_DIRECTIVES {
        return Err(TooMuch("The request has too many directives."));
    }
    Ok(())
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Extent>,
    directives: usize,
}

impl<'a> Measure<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Extent, TooMuch> {
        if level > DEEPEST_SELECTIONS {
            return Err(TooMuch("The request is nested too deep."));
        }
        let mut sum = Extent::default();
        for selection in &set.items {
            self.directives += selection.node.directives().len();
            let part = self.selection(&selection.node, level + 1)?;
            sum.fields += part.fields;
            sum.introspections += part.introspections;
            sum.depth = sum.depth.max(part.depth);
            sum.lists = sum.lists.max(part.lists);
            if sum.fields > MOST_FIELDS {
                return Err(TooMuch("The request has too many fields."));
            }
        }
        Ok(sum)
    }

    fn selection(&mut self, selection: &'a Selection, level: usize) -> Result<Extent, TooMuch> {
        match selection {
            Selection::InlineFragment(inline) => self.selection_set(&inline.node.selection_set.node, level),
            Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str(), level),
            Selection::Field(field) => {
                let inner = self.selection_set(&field.node.selection_set.node, level)?;
                let fields = inner.fields + 1;
                match field.node.name.node.as_str() {
                    "__schema" | "__type"
                        if inner.depth > DEEPEST_INTROSPECTION || inner.lists > DEEPEST_INTROSPECTED_LISTS =>
                    {
                        Err(TooMuch("The question about the schema is nested too deep."))
                    }
                    "__schema" | "__type" => {
                        Ok(Extent { fields, depth: 1, introspections: inner.introspections + 1, lists: 0 })
                    }
                    "fields" | "inputFields" | "interfaces" | "possibleTypes" => {
                        Ok(Extent { fields, depth: inner.depth + 1, lists: inner.lists + 1, ..inner })
                    }
                    _ => Ok(Extent { fields, depth: inner.depth + 1, ..inner }),
                }
            }
        }
    }

    fn fragment(&mut self, name: &'a str, level: usize) -> Result<Extent, TooMuch> {
        if let Some(known) = self.fragments.get(name) {
            return Ok(*known);
        }
        let found = self.document.fragments.iter().find(|(fragment, _)| fragment.as_str() == name);
        // Validation says what is wrong with an unknown one. A cycle ends at the deepest level.
        let Some((name, fragment)) = found else { return Ok(Extent::default()) };
        let extent = self.selection_set(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name.as_str(), extent);
        Ok(extent)
    }
}

/// Holds every document of a schema to the limits, before it is validated.
pub struct Limits;

impl ExtensionFactory for Limits {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Limits {
    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let too_much = |error: TooMuch| ServerError::new(error.to_string(), None);
        check_text(query).map_err(too_much)?;
        let document = next.run(context, query, variables).await?;
        check_document(&document).map_err(too_much)?;
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(query: &str) -> Result<(), TooMuch> {
        check_text(query)?;
        check_document(&parse_query(query).unwrap())
    }

    fn nested(levels: usize) -> String {
        format!("{}a{}", "{ a ".repeat(levels - 1) + "{", "}".repeat(levels))
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        assert_eq!(check(&nested(12)), Ok(()));
        assert!(check(&nested(13)).is_err());
        let through = |levels| format!("{{ a {{ ...F }} }} fragment F on A {}", nested(levels));
        assert_eq!(check(&through(11)), Ok(()));
        assert!(check(&through(12)).is_err());
    }

    #[test]
    fn a_bomb_of_fragments_is_found_without_lighting_it() {
        let mut bomb = "{ ...F0 }".to_owned();
        for n in 0..30 {
            bomb += &format!(" fragment F{n} on A {{ ...F{0} ...F{0} ...F{0} }}", n + 1);
        }
        bomb += " fragment F30 on A { a }";
        assert_eq!(check(&bomb), Err(TooMuch("The request has too many fields.")));
        assert!(check("{ ...A } fragment A on X { ...B ...B } fragment B on X { ...A ...A }").is_err());
        assert!(check("{ a } fragment A on X { ...A }").is_err());
    }

    #[test]
    fn floods_are_refused() {
        let flood = |part: &str, times| format!("{{ {} }}", part.repeat(times));
        assert_eq!(check(&flood("a: viewer ", 1_000)), Ok(()));
        assert!(check(&flood("a: viewer ", 1_001)).is_err());
        assert!(check(&flood("a @skip(if: true) ", 51)).is_err());
        assert!(check(&flood("a: __typename __schema { types { name } } ", 5)).is_err());
        assert!(check(&" ".repeat(LONGEST_QUERY + 1)).is_err());
    }

    #[test]
    fn the_schema_can_be_asked_for_but_not_multiplied() {
        assert_eq!(check("{ __type(name: \"A\") { fields { type { fields { name } } } } }"), Ok(()));
        assert!(check("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }").is_err());
    }

    #[test]
    fn brackets_count_outside_of_text_only() {
        assert_eq!(deepest_brackets("{ a(b: \"{{{{\\\"{{\") # [[[[\n { } }"), 2);
        assert_eq!(deepest_brackets("{ a(b: \"\"\"{{\"{{\\\"\"\"{{\"\"\", c: [[1]]) }"), 4);
        assert_eq!(deepest_brackets("}}}}{"), 1);
        assert!(check_text(&"{a".repeat(49)).is_err());
        assert!(check_text(&"[".repeat(16_000)).is_err());
        assert!(check_text(&format!("# \r{}", "(".repeat(49))).is_err());
    }
}
