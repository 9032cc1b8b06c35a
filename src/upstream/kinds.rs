//! The kinds of provider, one small file each.

pub mod sandbox;
