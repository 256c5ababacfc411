//! Files in storage that speaks the protocol of S3, with requests that have to be signed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{io::Cursor, time::Instant};

use files::{FileKey, FileName, Files, FilesError, LARGEST_FILE};
use image::{DynamicImage, ImageFormat, RgbImage};
use schema::ImportId;
use serde_json::{Value, json};
use tests::{
    client::text,
    harness::{self, Need, Test},
    organization::sign_up_in_development,
    platform::Installation,
    storage::Storage,
};
use uuid::Uuid;

fn main() {
    let needs = &[Need::Storage];
    harness::main(vec![
        Test::new("files_are_kept_replaced_sealed_and_deleted", needs, files),
        Test::new("storage_that_refuses_or_is_down_is_said_so", needs, trouble),
        Test::new("a_logo_is_kept_in_the_storage", needs, logo),
    ]);
}

fn name(id: u128) -> FileName {
    FileName::import(ImportId(Uuid::from_u128(id)))
}

async fn files() {
    let storage = Storage::start();
    let files = Files::s3("s3://files/some/where", storage.variables()).unwrap();
    assert_eq!(files.get(&name(1)).await.unwrap(), None);
    files.delete(&name(1)).await.unwrap();
    let large = vec![7; 10 * 1024 * 1024];
    files.put(&name(1), "first".into()).await.unwrap();
    files.put(&name(1), large.clone().into()).await.unwrap();
    assert_eq!(files.get(&name(1)).await.unwrap().unwrap(), large);
    // The same storage under another prefix is another place.
    let elsewhere = Files::s3("s3://files", storage.variables()).unwrap();
    assert_eq!(elsewhere.get(&name(1)).await.unwrap(), None);
    files.delete(&name(1)).await.unwrap();
    assert_eq!(files.get(&name(1)).await.unwrap(), None);

    let key = FileKey::new([5; 32]);
    files.put_sealed(&name(2), &key, [6; 24], large.clone()).await.unwrap();
    assert_eq!(*files.get_sealed(&name(2), &key).await.unwrap().unwrap(), large);
    let other = files.get_sealed(&name(2), &FileKey::new([4; 32])).await;
    assert!(matches!(other, Err(FilesError::Altered(_))));
    let too_large = files.put(&name(3), vec![0; LARGEST_FILE + 1].into()).await;
    assert!(matches!(too_large, Err(FilesError::TooLarge(_))));
}

async fn trouble() {
    let storage = Storage::start();
    let with = |name: &str, value: &str| {
        let others = storage.variables().into_iter().filter(|(other, _)| other != name);
        Files::s3("s3://files", others.chain([(name.to_owned(), value.to_owned())])).unwrap()
    };
    for files in [with("AWS_SECRET_ACCESS_KEY", "wrong"), with("AWS_ALLOW_HTTP", "false")] {
        let refused = files.put(&name(1), "text".into()).await.unwrap_err();
        assert!(matches!(refused, FilesError::Store(_)), "{refused}");
    }
    let files = Files::s3("s3://files", storage.variables()).unwrap();
    files.put(&name(1), "text".into()).await.unwrap();
    storage.kill();
    let started = Instant::now();
    assert!(matches!(files.get(&name(1)).await, Err(FilesError::Store(_))));
    assert!(started.elapsed().as_secs() < 20, "it took {:?} to say so", started.elapsed());
}

async fn logo() {
    let storage = Storage::start();
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")])
        .with(&["--development", "--files", "s3://files/of/northwind"])
        .with_variables(storage.variables());
    let platform = installation.start().await;
    let northwind = sign_up_in_development(&installation.client(), "anna@northwind.example").await;
    let query = "mutation($input: ChangeOrganizationLogoInput!) { changeOrganizationLogo(input: $input) { \
        organization { logo { url width } } userErrors { code } } }";
    let mut image = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(600, 300)).write_to(&mut image, ImageFormat::WebP).unwrap();
    let change = async || {
        let input = json!({ "input": { "logo": Value::Null } });
        northwind.admin.upload(query, input, "input.logo", image.get_ref()).await
    };
    let changed = change().await["data"]["changeOrganizationLogo"].take();
    assert_eq!(changed["userErrors"], json!([]), "{changed}");
    let url = text(&changed["organization"]["logo"]["url"]);
    let served = reqwest::get(&url).await.unwrap();
    assert_eq!(served.headers()["content-type"], "image/png");
    assert!(served.bytes().await.unwrap().starts_with(b"\x89PNG"));
    assert!(!installation.data().join("files").exists(), "nothing is kept beside the storage");

    storage.kill();
    let answer = change().await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 503);
    installation.stop(platform);
}
