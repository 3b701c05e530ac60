//! PKCS#7 padding, taken off in a time that tells nothing of it.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};

/// Length without the padding of blocks of so many bytes, and whether that padding is right, in constant time. The whole
/// length if it is not.
pub(crate) fn unpad<const BLOCK: u8>(plain: &[u8]) -> (usize, Choice) {
    let pad = plain.last().copied().unwrap_or(0);
    let mut right = pad.ct_gt(&0) & !pad.ct_gt(&BLOCK);
    for (position, byte) in (1..=BLOCK).zip(plain.iter().rev()) {
        let inside = !position.ct_gt(&pad);
        right &= !inside | byte.ct_eq(&pad);
    }
    let cut = u32::conditional_select(&0, &u32::from(pad), right);
    (plain.len().saturating_sub(cut as usize), right)
}
