use std::io::{Cursor, Write};

use flate2::{Compression, write::ZlibEncoder};
use image::{
    ExtendedColorType, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
};

use super::*;

const RED: Rgb<u8> = Rgb([200, 30, 30]);
const BLUE: Rgb<u8> = Rgb([30, 30, 200]);

/// Red on the left, blue on the right.
fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { RED } else { BLUE })
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    written(&flag(width, height).into(), ImageFormat::Png)
}

fn read(logo: &Logo) -> RgbaImage {
    let image = image::load_from_memory_with_format(&logo.png, ImageFormat::Png).unwrap();
    assert_eq!((image.width(), image.height()), (logo.width, logo.height));
    assert_eq!(logo.sha256, HEXLOWER.encode(&Sha256::digest(&logo.png)));
    image.to_rgba8()
}

fn is_about(pixel: &Rgba<u8>, wanted: Rgb<u8>) -> bool {
    pixel.0.iter().zip(wanted.0).all(|(is, wanted)| is.abs_diff(wanted) < 12)
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [kind, data].concat();
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &named, &crc32fast::hash(&named).to_be_bytes()].concat()
}

fn header(width: u32, height: u32, depth: u8, colours: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colours, 0, 0, 0]].concat()
}

fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat(), chunk(b"IEND", &[])].concat()
}

/// Puts chunks behind the header.
fn with_chunks(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    let (start, rest) = png.split_at(33);
    [start, &chunks.concat(), rest].concat()
}

fn chunk_kinds(mut png: &[u8]) -> Vec<String> {
    png = &png[8..];
    let mut kinds = Vec::new();
    while !png.is_empty() {
        let length = u32::from_be_bytes(png[..4].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8(png[4..8].to_vec()).unwrap());
        png = &png[length + 12..];
    }
    kinds.dedup();
    kinds
}

/// Exif with nothing but an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat()
}

fn deflated(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    for _ in 0..bytes / block.len() {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn every_format_becomes_a_plain_png() {
    let flag = DynamicImage::from(flag(600, 300));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let logo = normalize(&written(&flag, format)).unwrap();
        assert_eq!((logo.width, logo.height), (600, 300), "{format:?}");
        let image = read(&logo);
        assert!(is_about(image.get_pixel(10, 150), RED) && is_about(image.get_pixel(590, 150), BLUE), "{format:?}");
        assert_eq!(chunk_kinds(&logo.png), ["IHDR", "IDAT", "IEND"], "{format:?}");
    }
    assert_eq!(normalize(&png(600, 300)), normalize(&png(600, 300)), "the same image has the same digest");
}

#[test]
fn other_kinds_of_pixels_are_taken_too() {
    let sixteen = DynamicImage::from(flag(600, 300)).to_rgba16();
    let grey = DynamicImage::from(flag(3000, 600)).to_luma8();
    for image in [DynamicImage::from(sixteen), DynamicImage::from(grey)] {
        let logo = normalize(&written(&image, ImageFormat::Png)).unwrap();
        assert_eq!(read(&logo).get_pixel(10, 10).0[3], 255);
    }
}

#[test]
fn a_turned_photo_is_upright_and_says_nothing_about_its_camera() {
    let flag = flag(600, 500);
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.write_image(&flag, 600, 500, ExtendedColorType::Rgb8).unwrap();
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.write_image(&flag, 600, 500, ExtendedColorType::Rgb8).unwrap();
    let secret = chunk(b"tEXt", b"Comment\0taken at home");
    let png = with_chunks(&png(600, 500), &[chunk(b"eXIf", &exif(6)), secret]);
    for upload in [jpeg, webp, png] {
        let logo = normalize(&upload).unwrap();
        // Orientation 6: what is on the left belongs on top.
        assert_eq!((logo.width, logo.height), (500, 600));
        let image = read(&logo);
        assert!(is_about(image.get_pixel(250, 10), RED) && is_about(image.get_pixel(250, 590), BLUE));
        assert_eq!(chunk_kinds(&logo.png), ["IHDR", "IDAT", "IEND"]);
    }
}

#[test]
fn the_least_size_is_the_one_that_is_seen() {
    let too_small = |width, height| Err(LogoProblem::TooSmall { width, height });
    assert!(normalize(&png(495, 234)).is_ok());
    assert_eq!(normalize(&png(494, 234)), too_small(494, 234));
    assert_eq!(normalize(&png(495, 233)), too_small(495, 233));
    assert_eq!(normalize(&png(1, 1)), too_small(1, 1));
    let turned = |width, height| with_chunks(&png(width, height), &[chunk(b"eXIf", &exif(8))]);
    assert_eq!(normalize(&turned(495, 234)), too_small(234, 495));
    assert_eq!(normalize(&turned(234, 495)).map(|logo| (logo.width, logo.height)), Ok((495, 234)));
}

#[test]
fn large_images_are_scaled_and_stay_large_enough() {
    let size = |width, height| normalize(&png(width, height)).map(|logo| (logo.width, logo.height)).unwrap();
    assert_eq!(size(2048, 1000), (2048, 1000));
    assert_eq!(size(3072, 1500), (2048, 1000));
    assert_eq!(size(600, 2400), (512, 2048));
    assert_eq!(size(500, 5000), (495, 4950));
    assert_eq!(size(5000, 250), (4680, 234));
}

#[test]
fn colours_behind_transparency_do_not_bleed_when_scaled() {
    let clear_green = Rgba([0, 255, 0, 0]);
    let stripes = RgbaImage::from_fn(2560, 1280, |x, _| if x % 3 == 0 { Rgba([255, 0, 0, 255]) } else { clear_green });
    let logo = normalize(&written(&stripes.into(), ImageFormat::Png)).unwrap();
    let image = read(&logo);
    assert_eq!((logo.width, logo.height), (2048, 1024));
    let seen: Vec<_> = image.pixels().filter(|pixel| pixel.0[3] > 20).collect();
    assert!(!seen.is_empty() && seen.iter().all(|pixel| pixel.0[0] > 240 && pixel.0[1] < 15));
}

#[test]
fn what_is_no_image_of_a_known_kind_is_told_apart() {
    let other = |bytes: &[u8]| normalize(bytes).unwrap_err();
    assert_eq!(other(b""), LogoProblem::Empty);
    assert_eq!(other(b"Email*,First Name*"), LogoProblem::NotAnImage);
    assert_eq!(other(b"%PDF-1.7"), LogoProblem::NotAnImage);
    assert_eq!(other(&[0; 5000]), LogoProblem::NotAnImage);
    assert_eq!(other(b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>"), LogoProblem::UnsupportedFormat);
    assert_eq!(other(b"<svg onload=\"alert(1)\"/>"), LogoProblem::UnsupportedFormat);
    assert_eq!(other(b"GIF89a\x01\0\x01\0\0\0\0;"), LogoProblem::UnsupportedFormat);
    assert_eq!(other(b"\0\0\0\x18ftypheic\0\0\0\0"), LogoProblem::UnsupportedFormat);
    assert_eq!(other(&vec![0x89; LARGEST_UPLOAD + 1]), LogoProblem::TooLarge);
    // The name of one kind in front of another.
    assert_eq!(other(b"\x89PNG\r\n\x1a\n<svg/>"), LogoProblem::Damaged);
}

#[test]
fn images_that_end_early_or_are_altered_are_damaged() {
    let photo = RgbImage::from_fn(600, 300, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let whole = written(&photo.clone().into(), format);
        assert!(normalize(&whole).is_ok());
        for kept in [12, 40, whole.len() / 4, whole.len() / 2, whole.len() * 9 / 10] {
            assert_eq!(normalize(&whole[..kept]), Err(LogoProblem::Damaged), "{format:?} cut at {kept}");
        }
    }
    let mut altered = written(&photo.into(), ImageFormat::Png);
    let middle = altered.len() / 2;
    altered[middle] ^= 0xff;
    assert_eq!(normalize(&altered), Err(LogoProblem::Damaged));
}

/// The most memory that this process has had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let data = chunk(b"IDAT", &deflated(1 << 20));
    let claims = |width, height| png_of(&[chunk(b"IHDR", &header(width, height, 8, 6)), data.clone()]);
    assert_eq!(normalize(&claims(60_000, 60_000)), Err(LogoProblem::TooManyPixels));
    assert_eq!(normalize(&claims(19_000, 19_000)), Err(LogoProblem::TooManyPixels));
    assert_eq!(normalize(&claims(60_000, 500)), Err(LogoProblem::TooManyPixels));
    assert_eq!(normalize(&claims(u32::MAX, u32::MAX)), Err(LogoProblem::TooManyPixels));
    // 16 bits for each of four colours: few enough pixels, but too much memory.
    let deep = png_of(&[chunk(b"IHDR", &header(6_000, 6_000, 16, 6)), data]);
    assert_eq!(normalize(&deep), Err(LogoProblem::TooManyPixels));
    let mut webp = written(&flag(600, 300).into(), ImageFormat::WebP);
    // The size in a lossless WebP: 14 bits each for width and height, less one.
    webp[21..25].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    assert_eq!(normalize(&webp), Err(LogoProblem::TooManyPixels));
    let mut jpeg = written(&flag(600, 300).into(), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    assert_eq!(normalize(&jpeg), Err(LogoProblem::TooManyPixels));
}

#[test]
fn a_bomb_beside_the_picture_does_not_take_more_than_is_allowed() {
    let before = peak_memory();
    let bomb = deflated(1 << 30);
    assert!(bomb.len() < LARGEST_UPLOAD);
    let profile = chunk(b"iCCP", &[b"x\0\0", &bomb[..]].concat());
    let text = chunk(b"zTXt", &[b"x\0\0", &bomb[..]].concat());
    for extra in [profile, text] {
        let upload = with_chunks(&png(600, 300), &[extra]);
        // Whether such an image is still taken is the decoder's affair; a logo has nothing of the bomb.
        if let Ok(logo) = normalize(&upload) {
            assert_eq!(chunk_kinds(&logo.png), ["IHDR", "IDAT", "IEND"]);
        }
    }
    let grown = peak_memory() - before;
    assert!(grown < 768 * 1024, "memory grew by {grown} KiB; the bombs hold 1 GiB each");
}
