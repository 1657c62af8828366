//! How the back ends that are ours alone keep the integer of an increment: as Spin's SQLite
//! store does, in eight bytes, little-endian.

use super::Error;

/// The bytes of `value`.
pub(super) fn encode(value: i64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// The integer in `current` (0 if absent) plus `delta`.
pub(super) fn add(key: &str, current: Option<&[u8]>, delta: i64) -> Result<i64, Error> {
    let value = current.map_or(Ok(0), |bytes| decode(key, bytes))?;
    value.checked_add(delta).ok_or_else(|| Error::Overflow {
        key: key.to_owned(),
        value,
        delta,
    })
}

fn decode(key: &str, bytes: &[u8]) -> Result<i64, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::NotAnInteger {
        key: key.to_owned(),
        found: format!("{} bytes", bytes.len()),
    })?;
    Ok(i64::from_le_bytes(bytes))
}
