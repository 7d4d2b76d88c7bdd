//! Compiled code in memory: once for each module, however many plugins are of it and however many are loaded at once.
//! Who comes while it is read or compiled waits for that.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use tokio::sync::Mutex;

use super::cache::CacheKey;
use super::module::Sealed;

/// Code that is used, or will be.
#[derive(Debug)]
pub struct Code {
    pub sealed: Sealed,
    /// Whether the cache has it.
    pub(super) kept: Cell<bool>,
}

impl Code {
    pub fn fresh(sealed: Sealed) -> Self {
        Self { sealed, kept: Cell::new(false) }
    }
}

/// A place for the code of one key; whoever has it locked says what is in it.
type CodeSlot = Rc<Mutex<Weak<Code>>>;

#[derive(Debug, Default)]
pub struct Codes(RefCell<HashMap<CacheKey, CodeSlot>>);

impl Codes {
    /// The code of this key: what another has, or what `make` makes. `not` is of no use, whoever has it.
    ///
    /// # Errors
    /// Those of `make`: whoever comes next tries again.
    pub async fn get<E>(
        &self,
        key: CacheKey,
        not: Option<&Rc<Code>>,
        make: impl AsyncFnOnce() -> Result<Code, E>,
    ) -> Result<Rc<Code>, E> {
        let place = self.place(key);
        let mut place = place.lock().await;
        let another = place.upgrade().filter(|code| not.is_none_or(|not| !Rc::ptr_eq(code, not)));
        if let Some(code) = another {
            return Ok(code);
        }
        let code = Rc::new(make().await?);
        *place = Rc::downgrade(&code);
        Ok(code)
    }

    fn place(&self, key: CacheKey) -> CodeSlot {
        let mut all = self.0.borrow_mut();
        // A place that nobody has at hand, and whose code nobody has, says nothing.
        all.retain(|_, place| {
            Rc::strong_count(place) > 1 || place.try_lock().is_ok_and(|code| code.strong_count() > 0)
        });
        Rc::clone(all.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use regent_grants::Engine;

    use super::*;
    use crate::plugin::cache::Cache;

    fn key(name: u8) -> CacheKey {
        let folder = tempfile::tempdir().unwrap();
        Cache::open(folder.path().to_path_buf(), [0; 32]).unwrap().key(&[name; 32], Engine::Native)
    }

    fn code() -> Code {
        Code::fresh(Sealed::copy("test", &b"code"[..], 9).unwrap())
    }

    #[tokio::test]
    async fn what_many_want_at_once_is_made_once() {
        let (codes, made) = (Codes::default(), Cell::new(0));
        let one = || {
            codes.get(key(1), None, async || {
                made.set(made.get() + 1);
                tokio::task::yield_now().await;
                Ok::<_, ()>(code())
            })
        };
        let (first, second, third) = tokio::join!(one(), one(), one());
        let first = first.unwrap();
        assert!(Rc::ptr_eq(&first, &second.unwrap()) && Rc::ptr_eq(&first, &third.unwrap()));
        assert_eq!(made.get(), 1);
        drop(first);
        one().await.unwrap();
        assert_eq!(made.get(), 2);
    }

    #[tokio::test]
    async fn what_could_not_be_made_is_tried_again_by_the_next() {
        let codes = Codes::default();
        assert_eq!(codes.get(key(1), None, async || Err("no")).await.err(), Some("no"));
        assert!(codes.get(key(1), None, async || Ok::<_, ()>(code())).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_of_no_use_is_made_anew_once_for_all_who_had_it() {
        let codes = Codes::default();
        let old = codes.get(key(1), None, async || Ok::<_, ()>(code())).await.unwrap();
        let new = codes.get(key(1), Some(&old), async || Ok::<_, ()>(code())).await.unwrap();
        assert!(!Rc::ptr_eq(&old, &new));
        let same = codes.get(key(1), Some(&old), async || Err(())).await.unwrap();
        assert!(Rc::ptr_eq(&same, &new));
        assert!(!Rc::ptr_eq(&codes.get(key(2), None, async || Ok::<_, ()>(code())).await.unwrap(), &new));
        assert_eq!(codes.0.borrow().len(), 2);
    }
}
