//! XML as WeChat writes it, with nothing of what makes XML dangerous: no DTD, no entities but XML's own five, no
//! processing instructions, and no more than a bounded depth. All of it is read, whatever is wanted of it.

use alloc::string::String;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

/// The element around all.
const ROOT: &str = "xml";

/// WeChat's own go three or four deep.
const DEEPEST: usize = 16;

/// The texts of the elements of these names right below `<xml>`, each at most once, without blanks around them. `None`
/// if it is no such document.
pub(super) fn texts<const N: usize>(
    document: &str,
    names: [&str; N],
) -> Option<[Option<String>; N]> {
    let mut reader = Reader::from_str(document);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut texts = [const { None }; N];
    let mut place = Place::default();
    loop {
        match reader.read_event().ok()? {
            Event::Decl(declared) if place.is_before_all => is_utf8(&declared).then_some(())?,
            Event::Start(element) => {
                place.enter(&element)?;
                let name = element.name();
                let wanted = names.iter().position(|own| *own == name.as_ref());
                if let Some(wanted) = wanted.filter(|_| place.depth == 2) {
                    let text = texts.get_mut(wanted)?;
                    if text.replace(String::new()).is_some() {
                        return None;
                    }
                    place.wanted = Some(wanted);
                }
            }
            Event::End(_) => place.leave()?,
            Event::Text(text) if place.depth == 0 => {
                text.chars().all(char::is_whitespace).then_some(())?;
            }
            Event::Text(text) => place.put(&mut texts, &text.xml10_content()),
            Event::CData(text) if place.depth > 0 => place.put(&mut texts, &text.xml10_content()),
            Event::GeneralRef(entity) if place.depth > 0 => {
                let mut room = [0; 4];
                let meant = meant(&entity, &mut room)?;
                place.put(&mut texts, meant);
            }
            Event::Comment(_) => {}
            Event::Eof if place.is_over => break,
            _ => return None,
        }
        place.is_before_all = false;
    }
    for text in texts.iter_mut().flatten() {
        *text = text.trim().into();
    }
    Some(texts)
}

/// Where in a document one is.
struct Place {
    is_before_all: bool,
    depth: usize,
    /// The element that is wanted, while one is right in it.
    wanted: Option<usize>,
    /// The root has ended.
    is_over: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            is_before_all: true,
            depth: 0,
            wanted: None,
            is_over: false,
        }
    }
}

impl Place {
    /// `None` where no element may begin.
    fn enter(&mut self, element: &BytesStart<'_>) -> Option<()> {
        let is_root = self.depth == 0;
        let may_begin = !self.is_over && (!is_root || element.name().as_ref() == ROOT);
        self.depth += 1;
        // What is wanted is a text.
        let fits = self.depth <= DEEPEST && self.wanted.is_none();
        // As far as they are none, the parser has not looked.
        let has_good_attributes = element.attributes().all(|attribute| attribute.is_ok());
        (may_begin && fits && has_good_attributes).then_some(())
    }

    fn leave(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.wanted = None;
        self.is_over = self.depth == 0;
        Some(())
    }

    fn put(&self, texts: &mut [Option<String>], more: &str) {
        let text = self.wanted.and_then(|wanted| texts.get_mut(wanted));
        if let Some(Some(text)) = text {
            text.push_str(more);
        }
    }
}

/// The bytes were found to be UTF-8: a declaration of something else would have another reader read something else.
fn is_utf8(declared: &BytesDecl<'_>) -> bool {
    match declared.encoding() {
        None => true,
        Some(encoding) => encoding.is_ok_and(|name| name.eq_ignore_ascii_case("utf-8")),
    }
}

/// One of XML's own, or the number of a character. Nothing else means anything without a DTD.
fn meant<'a>(entity: &BytesRef<'_>, room: &'a mut [u8; 4]) -> Option<&'a str> {
    if entity.is_char_ref() {
        let character = entity.resolve_char_ref().ok()??;
        return Some(character.encode_utf8(room));
    }
    resolve_xml_entity(entity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::string::ToString;
    use alloc::{format, vec};

    fn read(document: &str) -> Option<[Option<String>; 2]> {
        texts(document, ["A", "B"])
    }

    fn found(a: Option<&str>, b: Option<&str>) -> Option<[Option<String>; 2]> {
        Some([a, b].map(|text| text.map(ToString::to_string)))
    }

    #[test]
    fn the_texts_are_found_however_they_are_written() {
        for (document, expected) in [
            (
                "<xml><A>1</A><B><![CDATA[a<b]]></B></xml>",
                found(Some("1"), Some("a<b")),
            ),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <A> 1\n</A>\n</xml>\n",
                found(Some("1"), None),
            ),
            (
                "<xml><A>a&amp;&#98;&lt;</A></xml>",
                found(Some("a&b<"), None),
            ),
            (
                "<xml><A/><C><A>no</A><B>no</B></C></xml>",
                found(Some(""), None),
            ),
            (
                "<xml><A><![CDATA[1]]><!-- c --><![CDATA[2]]></A></xml>",
                found(Some("12"), None),
            ),
            ("<xml/>", found(None, None)),
        ] {
            assert_eq!(read(document), expected, "{document}");
        }
    }

    #[test]
    fn what_is_dangerous_ambiguous_or_no_document_is_refused() {
        let deep = format!("<xml>{}{}</xml>", "<a>".repeat(16), "</a>".repeat(16));
        let bomb =
            r#"<!DOCTYPE xml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><A>&b;</A></xml>"#;
        for document in vec![
            "",
            " ",
            "text",
            "<xml>",
            "<xml><A>1</xml></A>",
            "<xml></xml><xml></xml>",
            "<xml></xml>x",
            "x<xml></xml>",
            "<other><A>1</A></other>",
            "<XML><A>1</A></XML>",
            "<xml><A>1</A><A>2</A></xml>",
            "<xml><A>1<c/></A></xml>",
            "<xml><A>&a;</A></xml>",
            "<xml><C>&a;</C></xml>",
            "<xml><A>&#0;</A></xml>",
            "<xml>&</xml>",
            "<xml a=b></xml>",
            "<xml><?pi x?></xml>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><xml/>",
            "<!DOCTYPE xml><xml/>",
            "<xml><!DOCTYPE xml></xml>",
            "<![CDATA[x]]><xml/>",
            bomb,
            &deep,
        ] {
            assert_eq!(read(document), None, "{document}");
        }
    }
}
