//! The profile of an organization on a real log, with real files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::io::Cursor;

use bytes::Bytes;
use domain::{Code, Organization};
use files::FileName;
use image::{DynamicImage, ImageFormat, RgbImage};
use support::World;

fn picture(width: u32, height: u32) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

#[tokio::test]
async fn a_name_is_tidied_and_changed_once() {
    let world = World::new();
    let (founded, anna) = world.found("anna@northwind.example").await;
    let renamed =
        world.platform.rename_organization(&anna, founded.organization, " Su\u{308}dwind GmbH  ").await.unwrap();
    assert_eq!(renamed.after.state.name(), "Südwind GmbH");
    let again = world.platform.rename_organization(&anna, founded.organization, "Südwind GmbH").await.unwrap();
    assert_eq!(again.position, None);
    for (name, code) in
        [(" ", Code::Required), (&*"x".repeat(201), Code::TooLong), ("a\u{202e}b", Code::InvalidCharacters)]
    {
        let refused = world.platform.rename_organization(&anna, founded.organization, name).await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
    }
}

#[tokio::test]
async fn a_logo_is_stored_before_it_is_told_of_and_old_ones_stay() {
    let world = World::new();
    let (founded, anna) = world.found("anna@northwind.example").await;
    let change = async |upload| world.platform.change_logo(&anna, founded.organization, upload).await;
    let mut digests = Vec::new();
    for width in [600, 700] {
        let changed = change(picture(width, 300)).await.unwrap();
        let logo = changed.after.state.logo().unwrap().clone();
        assert_eq!((logo.width, logo.height), (width, 300));
        digests.push(logo.sha256);
    }
    for digest in &digests {
        let name = FileName::logo(founded.organization, digest).unwrap();
        assert!(world.platform.files().get(&name).await.unwrap().unwrap().starts_with(b"\x89PNG"));
    }
    assert_eq!(change(picture(700, 300)).await.unwrap().position, None, "the same image changes nothing");
    for (upload, code) in [
        (Bytes::new(), Code::NotAnImage),
        (Bytes::from("<svg/>"), Code::NotAnImage),
        (picture(600, 300).slice(..60), Code::NotAnImage),
        (picture(494, 300), Code::ImageTooSmall),
        (picture(20_001, 300), Code::ImageTooLarge),
        (vec![0; 11 << 20].into(), Code::ImageTooLarge),
    ] {
        let refused = change(upload).await.unwrap_err();
        assert_eq!(refused.code(), Some(code), "{refused}");
    }
    let state = world.platform.load::<Organization>(&founded.organization).await.unwrap();
    assert_eq!(state.state.logo().unwrap().sha256, digests[1]);
}

#[tokio::test]
async fn only_who_manages_the_organization_changes_its_profile() {
    let world = World::new();
    let (founded, _) = world.found("anna@northwind.example").await;
    let (_, stranger) = world.found("zoe@tailspin.example").await;
    let before = world.log().await.len();
    for (request, code) in [(&stranger, Code::NotFound), (&world.anonymous(), Code::NotSignedIn)] {
        let renamed = world.platform.rename_organization(request, founded.organization, "Other").await;
        // Refused before the upload is even looked at.
        let changed = world.platform.change_logo(request, founded.organization, "no image".into()).await;
        assert_eq!(renamed.unwrap_err().code(), Some(code));
        assert_eq!(changed.unwrap_err().code(), Some(code));
    }
    assert_eq!(world.log().await.len(), before);
}
