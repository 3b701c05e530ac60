//! Characters that stand for several letters of ASCII, and punctuation beyond it: tables.

/// The letters in which another character ends.
pub(crate) fn image(character: char) -> Option<&'static str> {
    let code = u32::from(character);
    let after = IMAGES.partition_point(|(first, _)| *first <= code);
    let (first, images) = IMAGES.get(after.checked_sub(1)?)?;
    let at = usize::try_from(code - first).ok()?;
    images.split(' ').nth(at).filter(|image| *image != "?")
}

/// Blocks of nothing but punctuation, and the forms that it has in East Asia.
pub(crate) fn is_punctuation(character: char) -> bool {
    matches!(
        u32::from(character),
        0x37e | 0x1fef | 0x2010..=0x205e | 0x207a..=0x207e | 0x208a..=0x208e | 0x2260 | 0x226e..=0x226f | 0x2a74..=0x2a76
            | 0x3001..=0x3003 | 0x3008..=0x3020 | 0xfb29 | 0xfe10..=0xfe19 | 0xfe30..=0xfe6b | 0xff5f..=0xff65
    )
}

/// From one character on, what each stands for; `?` for those that have nothing to do with ASCII. Beyond Unicode's own
/// tables there is the Turkish i, with which readers differ.
#[rustfmt::skip]
const IMAGES: &[(u32, &str)] = &[
    (0xaa, "a"),
    (0xb2, "2 3"),
    (0xb9, "1 o"),
    (0xdf, "ss"),
    (0x130, "i i ij ij"),
    (0x17f, "s"),
    (0x1c7, "lj lj lj nj nj nj"),
    (0x1f1, "dz dz dz"),
    (0x2b0, "h ? j r ? ? ? w y"),
    (0x2e1, "l s x"),
    (0x1d2c, "a ? b ? d e ? g h i j k l m n ? o ? p r t u w a ? ? ? b d e ? ? ? g ? k m ? o ? ? ? p t u ? ? v"),
    (0x1d62, "i r u v"),
    (0x1d9c, "c ? ? ? f"),
    (0x1dbb, "z"),
    (0x1e9e, "ss"),
    (0x2070, "0 i ? ? 4 5 6 7 8 9"),
    (0x207f, "n 0 1 2 3 4 5 6 7 8 9"),
    (0x2090, "a e o x ? h k l m n p s t w y z"),
    (0x20a8, "rs"),
    (0x2100, "ac as c ? ? co cu ? ? ? g h h h h ? i i l l ? n no ? ? p q r r r ? ? sm tel tm ? z ? ? ? z ? k ? b c ? e e f ? m o"),
    (0x2139, "i ? fax"),
    (0x2145, "d d e i j"),
    (0x2160, "i ii iii iv v vi vii viii ix x xi xii l c d m i ii iii iv v vi vii viii ix x xi xii l c d m"),
    (0x2460, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"),
    (0x24ea, "0"),
    (0x2c7c, "j v"),
    (0x3250, "pte 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35"),
    (0x32b1, "36 37 38 39 40 41 42 43 44 45 46 47 48 49 50"),
    (0x32cc, "hg erg ev ltd"),
    (0x3371, "hpa da au bar ov pc dm dm2 dm3 iu"),
    (0x3380, "pa na ? ma ka kb mb gb cal kcal pf nf ? ? mg kg hz khz mhz ghz thz ? ml dl kl fm nm ? mm cm km mm2 cm2 m2 km2 mm3 cm3 m3 km3 ? ? pa kpa mpa gpa rad ? ? ps ns ? ms pv nv ? mv kv mv pw nw ? mw kw mw ? ? am bq cc cd ? co db gy ha hp in kk km kt lm ln log lx mb mil mol ph pm ppm pr sr sv wb"),
    (0x33ff, "gal"),
    (0xa7f1, "s c f q"),
    (0xfb00, "ff fi fl ffi ffl st st"),
    (0x107a5, "q"),
    (0x1d6a4, "i"),
    (0x1f100, "0 0 1 2 3 4 5 6 7 8 9"),
    (0x1f12b, "c r cd wz"),
    (0x1f14a, "hv mv sd ss ppv wc"),
    (0x1f16a, "mc md mr"),
    (0x1f190, "dj"),
    (0x1fbf0, "0 1 2 3 4 5 6 7 8 9"),
];
