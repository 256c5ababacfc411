//! How mails look: as plain text, and as HTML that needs neither styles nor anything from elsewhere to be read.

use askama::Template;
use texts::Language;

/// A part of a mail.
pub(super) enum Block {
    /// A paragraph.
    Paragraph(String),
    /// A code to be read off.
    Code(String),
    /// A link, also as an address to be copied by those whose mail program opens none.
    Link { label: String, url: String, as_text: String },
    /// Text of a person, or a list: breaks between lines are kept.
    Lines(String),
    /// What stands below the mail.
    Closing(String),
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    language: Language,
    subject: &'a str,
    blocks: &'a [Block],
}

/// As plain text.
pub(super) fn plain(blocks: &[Block]) -> String {
    let paragraph = |block: &Block| match block {
        Block::Paragraph(text) | Block::Code(text) | Block::Lines(text) => text.clone(),
        Block::Link { label, url, .. } => format!("{label}\n{url}"),
        // What signatures begin with (RFC 3676 4.3): mail programs leave it out of answers.
        Block::Closing(text) => format!("-- \n{text}"),
    };
    blocks.iter().map(paragraph).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// As HTML.
pub(super) fn html(language: Language, subject: &str, blocks: &[Block]) -> String {
    // Writing to memory does not fail.
    Page { language, subject, blocks }.render().unwrap_or_default()
}
