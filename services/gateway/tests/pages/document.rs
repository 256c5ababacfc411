//! A page as a browser without script takes it in. Whatever is not well-formed, not labelled or comes from elsewhere is
//! an error.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::{Reader, XmlVersion, events::Event};

type Attributes = BTreeMap<String, String>;

/// A page.
#[derive(Debug, Default)]
pub struct Document {
    pub language: String,
    /// All the text, its title first.
    pub text: String,
    /// Where the form goes, if there is one.
    pub action: Option<String>,
    /// What the fields of the form hold.
    pub fields: Vec<Attributes>,
    /// Where links lead.
    pub links: Vec<String>,
    ids: BTreeSet<String>,
    refers_to: Vec<String>,
    labelled: BTreeSet<String>,
}

impl Document {
    pub fn read(html: &str) -> Self {
        let mut document = Self::default();
        let mut reader = Reader::from_str(html);
        let mut open = Vec::new();
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error} in {html}")) {
                Event::Start(tag) => {
                    let (name, attributes) = parts(&tag);
                    document.take(&name, attributes);
                    open.push(name);
                }
                Event::Empty(tag) => {
                    let (name, attributes) = parts(&tag);
                    document.take(&name, attributes);
                }
                Event::End(tag) => {
                    assert_eq!(open.pop().unwrap().as_bytes(), tag.name().as_ref());
                    document.text.push('\n');
                }
                Event::Text(text) => document.text.push_str(&text.decode().unwrap()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                    Some(character) => document.text.push(character),
                    None => document.text.push_str(&format!("&{};", reference.decode().unwrap())),
                },
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, [""; 0], "{html}");
        let lines = document.text.lines().map(str::trim).filter(|line| !line.is_empty());
        document.text = lines.collect::<Vec<_>>().join("\n");
        document.check();
        document
    }

    fn take(&mut self, name: &str, attributes: Attributes) {
        let known = [
            "html", "head", "meta", "title", "link", "body", "main", "div", "h1", "h2", "ul", "li", "p", "a", "dl",
            "dt", "dd", "form", "label", "input", "button",
        ];
        assert!(known.contains(&name), "{name}");
        let get = |key: &str| attributes.get(key).cloned();
        assert!(
            !attributes.keys().any(|key| key.starts_with("on") || key == "style" || key == "src"),
            "{attributes:?}"
        );
        if let Some(id) = get("id") {
            assert!(self.ids.insert(id), "an id stands twice: {attributes:?}");
        }
        for key in ["aria-describedby", "aria-labelledby"] {
            self.refers_to.extend(get(key).unwrap_or_default().split_whitespace().map(str::to_owned));
        }
        match name {
            "html" => self.language = get("lang").unwrap(),
            "link" => assert_eq!(get("href").as_deref(), Some("/pages.css")),
            "a" => {
                let href = get("href").unwrap();
                match href.strip_prefix('#') {
                    Some(id) => self.refers_to.push(id.to_owned()),
                    None => assert!(href.starts_with('/') && !href.starts_with("//"), "{href}"),
                }
                self.links.push(href);
            }
            "form" => {
                assert_eq!(get("method").as_deref(), Some("post"));
                assert!(self.action.replace(get("action").unwrap()).is_none(), "one form a page");
            }
            "label" => {
                self.labelled.insert(get("for").unwrap());
            }
            "input" => self.fields.push(attributes),
            _ => {}
        }
    }

    fn check(&self) {
        let missing: Vec<_> = self.refers_to.iter().filter(|id| !self.ids.contains(*id)).collect();
        assert!(missing.is_empty(), "there is no {missing:?}");
        for field in self.fields.iter().filter(|field| field["type"] != "hidden") {
            assert!(self.labelled.contains(&field["id"]), "{field:?} has no label");
            assert!(field.contains_key("autocomplete"), "{field:?}");
        }
        // The name of a text that was not found is shown as it is.
        let kinds = ["activate", "forgot", "reset", "sign", "account", "field", "hint", "problem", "error", "link"];
        let is_name = |word: &&str| word.split_once('-').is_some_and(|(kind, _)| kinds.contains(&kind));
        assert_eq!(self.text.split_whitespace().find(is_name), None);
    }

    /// Puts something else into a field, as only a forger does.
    pub fn set(&mut self, name: &str, value: &str) {
        let field = self.fields.iter_mut().find(|field| field["name"] == name).unwrap();
        field.insert("value".to_owned(), value.to_owned());
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> &str {
        &self.fields.iter().find(|field| field["name"] == name).unwrap()["value"]
    }
}

fn parts(tag: &quick_xml::events::BytesStart<'_>) -> (String, Attributes) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let attribute = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        (text(attribute.key.as_ref()), attribute.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned())
    };
    let attributes = tag.attributes().map(|found| attribute(found.unwrap())).collect();
    (text(tag.name().as_ref()), attributes)
}
