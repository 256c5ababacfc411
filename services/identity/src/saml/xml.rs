//! XML from outside, read by a parser that knows less than XML allows: UTF-8, elements, attributes and text. Whatever
//! parsers could disagree about, or that makes one do work, is refused before anything else looks at the message.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::{NamespaceResolver, ResolveResult},
};

/// Longest message or metadata in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Deepest nesting; responses of the usual providers have 8.
const MAX_DEPTH: usize = 32;
/// Most elements; a response has some 30, and one for each group of the person.
const MAX_ELEMENTS: usize = 4_000;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 50;
/// Most namespaces that one element declares: each costs time in canonicalization.
const MAX_DECLARATIONS: usize = 16;
/// Longest identifier of an element.
const MAX_ID: usize = 256;

/// Why a text is not taken. The words are for the history and hold nothing of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// An element with everything in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Namespace; empty for none.
    pub(super) namespace: String,
    /// Local name.
    pub(super) name: String,
    attributes: Vec<(String, String, String)>,
    /// Elements in it, in order.
    pub(super) children: Vec<Element>,
    /// All text in it that is not in a child.
    text: String,
}

impl Element {
    /// Whether it has this name.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
    /// An attribute without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(namespace, local, _)| namespace.is_empty() && local == name);
        found.map(|(_, _, value)| value.as_str())
    }
    /// The children of this name.
    pub(super) fn all<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(namespace, name))
    }
    /// The only child of this name; none if there are none or several.
    pub(super) fn only(&self, namespace: &str, name: &str) -> Option<&Self> {
        let mut all = self.children.iter().filter(|child| child.is(namespace, name));
        all.next().filter(|_| all.next().is_none())
    }
    /// The text of an element that has nothing else in it, without space around it.
    pub(super) fn text(&self) -> Option<&str> {
        self.children.is_empty().then(|| self.text.trim())
    }
    /// It and all elements below it, from the top.
    pub(super) fn descendants(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            waiting.extend(next.children.iter().rev());
            Some(next)
        })
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Element, Malformed> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(Malformed("it is longer than 256 KiB"));
    }
    let text = without_declaration(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    refuse_markup(text)?;
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(|_| Malformed("it is not well-formed XML"))? {
            Event::Start(start) => tree.open(element(&start, reader.resolver())?)?,
            Event::End(_) => tree.close()?,
            Event::Text(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0);
                tree.write(&text.map_err(|_| Malformed("it is not well-formed XML"))?)?;
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| Malformed("it is not well-formed XML"))?;
                match character {
                    Some(character) => tree.write(character.encode_utf8(&mut [0; 4]))?,
                    None => {
                        let name = reference.decode().map_err(|_| Malformed("it is not UTF-8"))?;
                        let known = quick_xml::escape::resolve_predefined_entity(&name);
                        tree.write(known.ok_or(Malformed("it names an entity"))?)?;
                    }
                }
            }
            Event::Eof => return tree.root(),
            _ => return Err(Malformed("it has a comment, an instruction or a document type")),
        }
    }
}

/// The text after the XML declaration, which may only say what is so in any case.
fn without_declaration(text: &str) -> Result<&str, Malformed> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    let (declaration, rest) = rest.split_once("?>").ok_or(Malformed("it is not well-formed XML"))?;
    let declaration = declaration.to_ascii_lowercase().replace('\'', "\"");
    let known = |part: &str| {
        matches!(part, "version=\"1.0\"" | "encoding=\"utf-8\"" | "standalone=\"yes\"" | "standalone=\"no\"")
    };
    match declaration.split_ascii_whitespace().all(known) {
        true => Ok(rest),
        false => Err(Malformed("it declares another encoding than UTF-8 or another version than 1.0")),
    }
}

/// Comments, document types, sections and instructions all begin like this, and so do the texts that parsers read in
/// different ways.
fn refuse_markup(text: &str) -> Result<(), Malformed> {
    if text.contains("<!") || text.contains("<?") {
        return Err(Malformed("it has a comment, an instruction or a document type"));
    }
    let odd = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if text.chars().any(odd) {
        return Err(Malformed("it has control characters"));
    }
    Ok(())
}

fn element(start: &BytesStart<'_>, resolver: &NamespaceResolver) -> Result<Element, Malformed> {
    let not_well_formed = Malformed("it is not well-formed XML");
    let owned = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed("it is not UTF-8"));
    let (namespace, local) = resolver.resolve_element(start.name());
    let mut element = Element { namespace: bound(namespace)?, name: owned(local.as_ref())?, ..Element::default() };
    let mut declarations = 0;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| not_well_formed)?;
        // Parsers that recover from it would see elements where there are none.
        if attribute.value.contains(&b'<') {
            return Err(not_well_formed);
        }
        if attribute.key.as_namespace_binding().is_some() {
            declarations += 1;
            if declarations > MAX_DECLARATIONS {
                return Err(Malformed("an element declares more than 16 namespaces"));
            }
            continue;
        }
        let (namespace, local) = resolver.resolve_attribute(attribute.key);
        let (namespace, local) = (bound(namespace)?, owned(local.as_ref())?);
        // An identifier in a namespace, such as xml:id, is one for some parsers and none for others.
        if !namespace.is_empty() && local.eq_ignore_ascii_case("id") {
            return Err(Malformed("it has an identifier in a namespace"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| not_well_formed)?.into_owned();
        if element.attributes.iter().any(|(n, l, _)| *n == namespace && *l == local) {
            return Err(not_well_formed);
        }
        element.attributes.push((namespace, local, value));
        if element.attributes.len() > MAX_ATTRIBUTES {
            return Err(Malformed("an element has more than 50 attributes"));
        }
    }
    Ok(element)
}

fn bound(namespace: ResolveResult<'_>) -> Result<String, Malformed> {
    match namespace {
        ResolveResult::Bound(namespace) => {
            String::from_utf8(namespace.as_ref().to_vec()).map_err(|_| Malformed("it is not UTF-8"))
        }
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Unknown(_) => Err(Malformed("a prefix has no namespace")),
    }
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    ids: std::collections::HashSet<String>,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), Malformed> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.open.len() >= MAX_DEPTH {
            return Err(Malformed("it has too many elements"));
        }
        if self.root.is_some() {
            return Err(Malformed("something follows its end"));
        }
        for (_, name, value) in &element.attributes {
            if !name.eq_ignore_ascii_case("id") {
                continue;
            }
            if !is_id(value) {
                return Err(Malformed("an identifier is not of the form that XML asks for"));
            }
            if !self.ids.insert(value.clone()) {
                return Err(Malformed("two elements have the same identifier"));
            }
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Malformed> {
        let element = self.open.pop().ok_or(Malformed("it is not well-formed XML"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(Malformed("text stands beside its root")),
        }
        Ok(())
    }

    fn root(self) -> Result<Element, Malformed> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(Malformed("it is not well-formed XML")),
        }
    }
}

/// An `NCName` of ASCII (XML Schema 3.3.7), as all providers make them.
fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && text.len() <= MAX_ID && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_parsers_could_disagree_about_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        let wide = format!("<a>{}</a>", "<b/>".repeat(5_000));
        let attributes: String = (0..60).map(|n| format!(" a{n}=''")).collect();
        let declarations: String = (0..20).map(|n| format!(" xmlns:a{n}='urn:{n}'")).collect();
        let declared = format!("<a{declarations}/>");
        let many = format!("<a{attributes}/>");
        let long = format!("<a>{}</a>", "x".repeat(MAX_MESSAGE_BYTES));
        for (text, why) in [
            ("", "not well-formed"),
            ("<a>", "not well-formed"),
            ("<a></b>", "not well-formed"),
            ("<a/><b/>", "follows its end"),
            ("<a/>x", "beside its root"),
            ("x<a/>", "beside its root"),
            ("<a b='1' b='2'/>", "not well-formed"),
            ("<a b='1' x:b='2' xmlns:x=''/>", ""),
            ("<x:a/>", "no namespace"),
            ("<a x:b=''/>", "no namespace"),
            ("<a><!-- --></a>", "comment"),
            ("<a><![CDATA[x]]></a>", "comment"),
            ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "comment"),
            ("<?xml-stylesheet href='x'?><a/>", "another encoding"),
            ("<a><?php x ?></a>", "comment"),
            ("<?xml version='1.0' encoding='UTF-7'?><a/>", "another encoding"),
            ("<?xml version='1.1'?><a/>", "another encoding"),
            ("<a>&x;</a>", "entity"),
            ("<a b='&x;'/>", "not well-formed"),
            ("<a b='<c/>'/>", "not well-formed"),
            ("<a xmlns:b='<c/>'/>", "not well-formed"),
            (&declared, "16 namespaces"),
            ("<a>\u{1}</a>", "control"),
            ("<a ID='x'><b ID='x'/></a>", "same identifier"),
            ("<a ID='x'><b id='x'/></a>", "same identifier"),
            ("<a ID='x y'/>", "identifier"),
            ("<a ID=''/>", "identifier"),
            ("<a xml:id='x'/>", "in a namespace"),
            ("<a xmlns:s='urn:s' s:ID='x'/>", "in a namespace"),
            (&deep, "too many elements"),
            (&wide, "too many elements"),
            (&many, "50 attributes"),
            (&long, "256 KiB"),
        ] {
            let problem = parse(text).expect_err(text).0;
            assert!(problem.contains(why), "{text}: {problem}");
        }
    }

    #[test]
    fn text_and_names_are_read() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding='utf-8'?>\n<s:a xmlns:s='urn:s' b=' x&amp;&#65; '>\n <c xmlns='urn:c'> 1&lt;2 </c><c/></s:a>\n";
        let root = parse(text).unwrap();
        assert!(root.is("urn:s", "a"));
        assert_eq!(root.attribute("b"), Some(" x&A "));
        assert_eq!(root.only("urn:c", "c").unwrap().text(), Some("1<2"));
        assert_eq!(root.only("", "c").unwrap().text(), Some(""));
        assert_eq!(root.text(), None);
        assert_eq!(root.descendants().count(), 3);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[<>/a&;:='\" x!?\\[\\]#0-9-]{0,60}") {
            prop_assert!(parse(&text).is_ok_and(|root| root.descendants().count() > 0) || parse(&text).is_err());
        }
    }
}
