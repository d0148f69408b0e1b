//! The same targets on libFuzzer, which brings inputs that reach new code. `scripts/fuzz` says with
//! which arguments.

#![allow(unsafe_code, reason = "libFuzzer is called, and calls back, by the conventions of C")]

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

// Linked, and not named.
use libfuzzer_sys as _;

type Property<'a> = &'a dyn Fn(&[u8]);

thread_local! {
    /// The one of this program's only target.
    static PROPERTY: Cell<Option<Property<'static>>> = const { Cell::new(None) };
}

unsafe extern "C" {
    fn LLVMFuzzerRunDriver(
        argc: *mut c_int,
        argv: *mut *mut *mut c_char,
        callback: extern "C" fn(*const u8, usize) -> c_int,
    ) -> c_int;
}

/// Ends the program, after the time that the arguments name or with what was found.
pub(crate) fn check(name: &str, property: impl Fn(&[u8])) {
    let property: Property<'_> = &property;
    // SAFETY: it is used by `put` alone, on this thread, before this function ends the program.
    let property = unsafe { std::mem::transmute::<Property<'_>, Property<'static>>(property) };
    PROPERTY.set(Some(property));
    let arguments = std::env::var("BOREALIS_FUZZ").unwrap();
    let words = std::iter::once(name).chain(arguments.split_whitespace());
    let words: Vec<CString> = words.map(|word| CString::new(word).unwrap()).collect();
    let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    let (mut count, mut first) = (c_int::try_from(words.len()).unwrap(), pointers.as_mut_ptr());
    // SAFETY: as `main` of C has them: pointers to `count` texts, and a null after them.
    let code = unsafe { LLVMFuzzerRunDriver(&raw mut count, &raw mut first, put) };
    std::process::exit(code);
}

extern "C" fn put(bytes: *const u8, length: usize) -> c_int {
    // SAFETY: libFuzzer keeps them until this returns. Of none, the address may be null.
    let bytes =
        if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(bytes, length) } };
    let property = PROPERTY.get().unwrap();
    if catch_unwind(AssertUnwindSafe(|| property(bytes))).is_err() {
        // libFuzzer sees the signal, and keeps the input.
        std::process::abort();
    }
    0
}

/// `libfuzzer_sys` calls it from an entry that nobody uses.
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
extern "Rust" fn rust_fuzzer_test_input(_: &[u8]) -> c_int {
    0
}
