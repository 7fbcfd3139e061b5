//! Ids: typed indices, so that a rack's number is never taken for a device's.

/// Declares ids: each wraps a `u32` and is written as a plain number. The crate that calls it depends on serde.
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            pub fn index(self) -> usize { self.0 as usize }
        }
    )+};
}
