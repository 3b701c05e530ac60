//! Spellings that frameworks were seen to read as one name, and such as only look alike.

use super::*;
use crate::testing::test;

#[test]
fn a_key_says_a_name_that_stands_between_boundaries_in_it() {
    for key in [
        "openData",
        // Rails, PHP, qs; ASP.NET, Spring, Jackson; JSON pointers.
        "openData[phoneNumber]",
        "openData.phoneNumber",
        "openData/phoneNumber",
        "openData:phoneNumber",
        "detail.openData",
        "detail[openData][x]",
        "detail['open_data']",
        "[openData]",
        "]openData[",
        "a.b.OPEN-DATA",
        // PHP makes `_` of dots, spaces and brackets that are not closed.
        "open.data",
        "open[data",
        "open data",
        "open.data.base",
        // Spring's default and marker.
        "!openData",
        "_openData",
        "openData\0and more",
        "\0openData",
        "open\u{200b}Data",
        "open\u{ad}Data",
        "ｏｐｅｎＤａｔａ",
        "openData．x",
        "𝓸𝓹𝓮𝓷𝓓𝓪𝓽𝓪",
        "ⓞⓟⓔⓝⓓⓐⓣⓐ",
        "opeⁿData",
        "{\"openData\":1}",
    ] {
        assert!(says(key, "openData"), "{key:?}");
    }
    for key in [
        "",
        "...",
        "open",
        "openDat",
        "openData1",
        "xopenData",
        "openDatabase",
        "数据openData",
        "openЅata",
        "o.p.e.n",
    ] {
        assert!(!says(key, "openData"), "{key:?}");
    }
}

#[test]
fn a_long_key_is_read_once_and_not_again_from_each_boundary() {
    for piece in [".", "o.", "\u{200b}", "open.", "o......."] {
        assert!(!says(&piece.repeat(100_000), "openData"), "{piece:?}");
    }
}

const OWN: Own<'_> = Own { name: "openData" };

#[test]
fn a_field_has_the_name_however_it_is_encoded() {
    for form in [
        "openData=F",
        "a=1&openData[phoneNumber]=138",
        "a=1;openData=x",
        "\"&openData[phoneNumber]=138&\"",
        "openData",
        "open%44ata=1",
        "%6f%70%65%6E%44%61%74%61=1",
        "open%2544ata=1",
        "open%252544ata=1",
        "open%u0044ata=1",
        "open%5Bdata=1",
        "detail%5BopenData%5D=1",
        "open+data=1",
        "%EF%BD%8FpenData=1",
        "open%E2%80%8BData=1",
        "open%ffData=1",
        "{\"openData\":1}",
    ] {
        assert!(OWN.not_in_form(form.as_bytes()).is_err(), "{form}");
    }
    for form in [
        "",
        "&&;",
        "a=openData",
        "a=1&b=openData",
        "openDatabase=1",
        "note=100%",
        "%=1&%u=2&%4=3",
        "%E6%95%B0%E6%8D%AE=1",
    ] {
        assert!(OWN.not_in_form(form.as_bytes()).is_ok(), "{form}");
    }
}

#[test]
fn in_a_multipart_body_the_name_stands_nowhere_and_no_name_is_encoded() {
    let part = |disposition: &str| {
        alloc::format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\nv\r\n--x--\r\n")
    };
    for disposition in [
        "name=\"openData\"",
        "name=openData",
        "NAME='open_data'",
        "name=\"detail[openData]\"",
        "name=\"open\\Data\"",
        "name=\"open%44ata\"",
        "name*=utf-8''open%44ata",
        "name*0=\"open\"; name*1=\"Data\"",
        "name=\"=?utf-8?B?b3BlbkRhdGE=?=\"",
        "name=\"a\"\r\nContent-Type: application/json\r\n\r\n{\"open\\u0044ata\":1}",
    ] {
        let body = part(disposition);
        assert!(OWN.not_in_multipart(body.as_bytes()).is_err(), "{body}");
    }
    for disposition in [
        "name=\"file\"; filename=\"a.png\"",
        "name=\"file\"; filename*=utf-8''%E5%9B%BE.png",
        "name=\"note\"\r\n\r\nhow? =?what?",
    ] {
        let body = part(disposition);
        assert!(OWN.not_in_multipart(body.as_bytes()).is_ok(), "{body}");
    }
}
