//! Linear models.
#[cfg(feature = "v2")]
pub mod v2;
